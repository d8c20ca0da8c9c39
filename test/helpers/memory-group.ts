import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { waitUntil } from './wait-until.ts'

/** A group of processes that together may use so much memory and no more, as a container or a small server would allow. */
export class MemoryGroup implements AsyncDisposable {
  readonly #folder: string
  readonly #peak: string

  private constructor(folder: string, peak: string) {
    this.#folder = folder
    this.#peak = peak
  }

  /** Makes one; `undefined` where this user may not, or the system has no control groups. */
  static make(bytes: number): MemoryGroup | undefined {
    const isSecond = existsSync('/sys/fs/cgroup/cgroup.controllers')
    const folder = `/sys/fs/cgroup/${isSecond ? '' : 'memory/'}handcar-test-${process.pid}`
    try {
      mkdirSync(folder)
      writeFileSync(`${folder}/${isSecond ? 'memory.max' : 'memory.limit_in_bytes'}`, String(bytes))
      return new MemoryGroup(folder, isSecond ? 'memory.peak' : 'memory.max_usage_in_bytes')
    } catch {
      if (existsSync(folder)) rmdirSync(folder)
      return undefined
    }
  }

  /** A command that runs the command after it in this group. */
  get wrapper(): string[] {
    return ['sh', '-c', `echo $$ > ${this.#folder}/cgroup.procs; exec "$@"`, 'sh']
  }

  /** The most that was used at once, in bytes. */
  get peak(): number {
    return Number(readFileSync(`${this.#folder}/${this.#peak}`, 'utf8'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await waitUntil('the group is empty', () => {
      try {
        rmdirSync(this.#folder)
        return true
      } catch {
        return false
      }
    })
  }
}
