import type { DrainOutcome } from './managed-process.ts'
import type { DrainOrder, ProcessDeath } from './protocol.ts'
import type { Release } from './release.ts'
import { Slot, type SlotHost } from './slot.ts'
import type { ProcessStatus } from './status.ts'

/** All processes of one release. A reload starts a new generation and drains the old one when every new process is ready. */
export class Generation {
  readonly release: Release
  readonly #slots: Slot[]

  constructor(release: Release, host: SlotHost) {
    this.release = release
    this.#slots = release.processes.flatMap((spec) =>
      Array.from(
        { length: spec.count },
        (_, index) => new Slot(`${spec.kind}.${index + 1}`, spec, release.folder, host),
      ),
    )
  }

  /** Starts every process. When one does not become ready all are ended, and its reason is thrown. */
  async boot(): Promise<void> {
    try {
      await Promise.all(this.#slots.map((slot) => slot.boot()))
    } catch (error) {
      this.kill()
      throw error
    }
  }

  /** From now on the processes get work, and what dies is started again. */
  serve(): void {
    for (const slot of this.#slots) {
      slot.admit()
      slot.keep()
    }
  }

  /** Looks after the processes. */
  check(): void {
    for (const slot of this.#slots) slot.check()
  }

  /** Ends all processes when they have finished their work. */
  async drain(order: DrainOrder): Promise<DrainOutcome[]> {
    return (await Promise.all(this.#slots.map((slot) => slot.drain(order)))).flat()
  }

  /** Tells the processes how another one has ended. */
  tell(death: ProcessDeath): void {
    for (const slot of this.#slots) slot.tell(death)
  }

  /** Ends all processes at once. */
  kill(): void {
    for (const slot of this.#slots) slot.kill()
  }

  /** What runs. */
  status(): ProcessStatus[] {
    return this.#slots.flatMap((slot) => slot.status())
  }
}
