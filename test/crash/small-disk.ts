import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

/** Why no disk can be mounted here; `false` when one can. */
export const cannotMount =
  (process.platform !== 'linux' || process.getuid?.() !== 0) && 'mounting a small disk needs root on Linux'

/** A disk of a few megabytes (tmpfs), which a test can fill. Unmounted at the end of the block. */
export class SmallDisk implements Disposable {
  readonly path: string
  readonly #folder = temporaryFolder()
  readonly #ballast: string

  constructor(megabytes: number) {
    this.path = this.#folder.path
    this.#ballast = join(this.path, 'ballast')
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', this.path])
  }

  /** Path of a file on it. */
  file(name: string): string {
    return join(this.path, name)
  }

  /** Bytes that are free. */
  get free(): number {
    const { bavail, bsize } = statfsSync(this.path)
    return bavail * bsize
  }

  /** Takes all space but `spare` bytes. */
  fill(spare = 0): void {
    this.release()
    writeFileSync(this.#ballast, Buffer.alloc(Math.max(0, this.free - spare)))
  }

  /** Gives the space back. */
  release(): void {
    rmSync(this.#ballast, { force: true })
  }

  [Symbol.dispose](): void {
    execFileSync('umount', [this.path])
    this.#folder[Symbol.dispose]()
  }
}
