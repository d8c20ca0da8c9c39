import { auditCount } from '../harness/audit.ts'
import type { Postgres } from '../harness/postgres.ts'
import { answer } from '../harness/remote.ts'
import { createFile, openHandcar, pathOf, seedPosts } from '../overhead/files.ts'
import { handcarOperations } from '../overhead/handcar.ts'
import { kyselyOperations } from '../overhead/kysely.ts'
import type { Operation } from '../overhead/operation.ts'
import { postgresOperations } from '../overhead/postgres.ts'
import { rawOperations } from '../overhead/raw.ts'

interface Plan {
  readonly folder: string
  readonly postgres: Postgres['connection'] | undefined
}

const operations = new Map<string, Operation>()
const written = new Map<string, number>()

const handlers = {
  /** Prepares every operation; their names, by section. */
  async prepare({ folder, postgres }: Plan): Promise<string[]> {
    const reader = createFile(folder, 'read')
    seedPosts(reader)
    const database = await openHandcar(folder, 'read')
    const all = [
      ...rawOperations(folder, reader),
      ...(await handcarOperations(folder, database)),
      ...(await kyselyOperations(folder, database, reader)),
      ...(postgres ? await postgresOperations(postgres) : []),
    ]
    for (const operation of all) operations.set(operation.name, operation)
    return [...Map.groupBy(operations.keys(), (name) => name.split(':')[0]).values()].flat()
  },

  /** Repeats one operation, one after another, and answers with how many a second. */
  async measure({ name, seconds }: { name: string; seconds: number }): Promise<number> {
    const { run, writesTo } = operations.get(name)!
    const started = performance.now()
    const deadline = started + seconds * 1000
    let done = 0
    while (performance.now() < deadline) {
      for (let repeat = 0; repeat < 20; repeat++) {
        const result = run()
        if (result instanceof Promise) await result
      }
      done += 20
    }
    if (writesTo !== undefined) written.set(writesTo, (written.get(writesTo) ?? 0) + done)
    return done / ((performance.now() - started) / 1000)
  },

  /** Checks that every write is in its file exactly once; how many there were. */
  audit({ folder }: { folder: string }): number {
    for (const [file, count] of written) auditCount(pathOf(folder, file), 'notes', count)
    return [...written.values()].reduce((sum, count) => sum + count, 0)
  },
}

/** What this process can be asked for. */
export type OverheadHandlers = typeof handlers

answer(handlers)
