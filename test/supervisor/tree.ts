import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { control, type ControlCommand, type TreeStatus } from 'handcar/supervisor'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import type { SupervisorSettings } from './supervisor-process.ts'

type Line = Record<string, unknown> & { message?: string; event?: string; level?: string }

/** A supervisor with its processes in a folder of its own, ended with the block that declared it. */
export class Tree implements AsyncDisposable {
  readonly #folder = temporaryFolder()
  readonly runFolder = this.#folder.file('data')
  readonly current = this.#folder.file('current')
  readonly process: ChildProcess
  /** What it logged, line by line. */
  readonly lines: Line[] = []
  errors = ''

  /** Starts one; `files` are laid into the folder of the first release. */
  constructor(settings: Partial<SupervisorSettings> = {}, files: Record<string, string> = {}) {
    this.release('first', files)
    const all = { runFolder: this.runFolder, folder: this.current, ...settings }
    const program = join(import.meta.dirname, 'supervisor-process.ts')
    this.process = spawn(process.execPath, ['--conditions=handcar-source', program, JSON.stringify(all)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let rest = ''
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      for (const line of lines)
        this.lines.push(line.startsWith('{') ? (JSON.parse(line) as Line) : { message: line })
    })
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.errors += text))
  }

  /** Makes a release folder and lets `current` lead to it. */
  release(name: string, files: Record<string, string> = {}): void {
    const folder = this.#folder.file(name)
    mkdirSync(folder, { recursive: true })
    for (const [file, text] of Object.entries({ release: name, ...files }))
      writeFileSync(join(folder, file), text)
    symlinkSync(folder, `${this.current}.new`)
    renameSync(`${this.current}.new`, this.current)
  }

  /** Path of a file in the folder of a release. */
  file(release: string, name: string): string {
    return join(this.#folder.file(release), name)
  }

  /** Waits for a line of the log. */
  async line(pattern: RegExp): Promise<Line> {
    const find = (): Line | undefined =>
      this.lines.find(({ message, event }) => pattern.test(message ?? '') || pattern.test(event ?? ''))
    await waitUntil(
      `${pattern} in the log`,
      () => {
        if (find() === undefined && this.process.exitCode !== null)
          throw new Error(`It ended: ${this.errors} ${JSON.stringify(this.lines)}`)
        return find()
      },
      30_000,
    )
    return find()!
  }

  /** Waits until it serves, and gives its address. */
  async address(): Promise<string> {
    return String((await this.line(/^started$/))['address'])
  }

  control<Result>(command: ControlCommand): Promise<Result> {
    return control<Result>(this.runFolder, command)
  }

  status(): Promise<TreeStatus> {
    return this.control<TreeStatus>('status')
  }

  /** Exit code, once it has ended. */
  async ended(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit')
    return this.process.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.control('stop').catch(() => {})
    this.process.kill('SIGKILL')
    await this.ended()
    this.#folder[Symbol.dispose]()
  }
}
