import type { Coordinator } from '../database/index.ts'

/** What a companion may use of the supervisor. */
export interface CompanionHost {
  /** The coordinator of a database, by its path. It may not have started yet. */
  readonly coordinator: (path: string) => Coordinator | undefined
  /** From now on the process with this pid is ended when the supervisor dies, in whatever way. */
  readonly watch: (pid: number) => void
  /** The process has ended. */
  readonly forget: (pid: number) => void
}

/**
 * Something that runs beside the app as long as the supervisor does, across releases, and looks after itself, such as the replication of
 * the databases. It is started before the coordinators of the databases and the first processes, and stopped after the last process and
 * before the coordinators.
 */
export interface Companion {
  /** What it is called in the status. */
  readonly name: string
  /** Must not fail because of what it needs from outside: the app runs without it. */
  start(host: CompanionHost): Promise<void>
  /**
   * Ends it within `timeout` milliseconds.
   *
   * @param options `isHandedOver`: another supervisor starts one like it on the same data at once
   */
  stop(timeout: number, options: { isHandedOver: boolean }): Promise<void>
  /** Ends it at once. */
  kill(): void
  /** How it is; plain JSON. */
  status(): object
}
