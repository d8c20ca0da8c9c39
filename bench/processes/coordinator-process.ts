import { Coordinator } from 'handcar/database'
import { answer } from '../harness/remote.ts'

let coordinator: Coordinator | undefined

const handlers = {
  /** Serves the write lease and moves the WAL of this database, as the first process of an application does. */
  async start({ path }: { path: string }): Promise<void> {
    coordinator = new Coordinator({ path })
    await coordinator.start()
  },

  async stop(): Promise<void> {
    await coordinator?.stop()
  },
}

/** What this process can be asked for. */
export type CoordinatorHandlers = typeof handlers

answer(handlers)
