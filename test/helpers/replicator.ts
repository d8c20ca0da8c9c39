import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { litestreamConfig } from '../../src/backup/litestream/config.ts'
import type { ResolvedReplica } from '../../src/backup/litestream/replica.ts'
import type { LitestreamLine } from '../../src/backup/litestream/version.ts'
import { litestreams } from './litestream.ts'
import { waitUntil } from './wait-until.ts'

/** A replica in a folder. */
export function folderReplica(path: string, name = 'folder'): ResolvedReplica {
  return { type: 'folder', name, path }
}

/** The record of `recording-writer-process`: number and time of each row that was acknowledged. */
export function readRecord(path: string): { id: number; at: number }[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  return lines.map((line) => line.split(' ').map(Number)).map(([id, at]) => ({ id: id!, at: at! }))
}

/** What a replicator is made with. */
export interface ReplicatorOptions {
  line: LitestreamLine
  /** Of the database, which is called `app`. */
  path: string
  replica: ResolvedReplica
  /** A folder for its configuration. */
  folder: string
  syncInterval?: number
}

/** A real Litestream on one database, as handcar configures it. Ends with the block that declared it. */
export class Replicator implements AsyncDisposable {
  readonly #options: ReplicatorOptions
  #process: ChildProcess | undefined
  #ended: Promise<unknown> = Promise.resolve()
  /** What it has said. */
  output = ''

  constructor(options: ReplicatorOptions) {
    this.#options = options
  }

  /** Resolves when it has told that it runs. */
  async start(): Promise<this> {
    const { line, path, replica, folder, syncInterval = 250 } = this.#options
    const config = join(folder, 'litestream.yml')
    const day = 86_400_000
    const databases = [{ name: 'app', path }]
    const plan = { databases, replicas: [replica], syncInterval, retention: day, snapshotInterval: day / 4 }
    writeFileSync(config, litestreamConfig(line, plan))
    const child = spawn(litestreams[line].path, ['replicate', '-no-expand-env', '-config', config], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    this.#process = child
    this.#ended = once(child, 'exit')
    await waitUntil('Litestream runs', () => this.output.includes('initialized db'), 60_000)
    return this
  }

  /** Until the replica has something to begin with: one that is stopped before has sent nothing. */
  async untilSent(): Promise<void> {
    await waitUntil('a snapshot is sent', () => /snapshot (?:written|complete)/.test(this.output), 60_000)
  }

  get pid(): number {
    return this.#process!.pid!
  }

  /** Lets it send what is left. */
  async stop(): Promise<void> {
    this.#process?.kill('SIGTERM')
    await this.#ended
  }

  async kill(): Promise<void> {
    this.#process?.kill('SIGKILL')
    await this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}
