import type { Database, Transaction } from '../../database/index.ts'
import { presenceTopic, sliceSize, type PresenceEngine } from './entry.ts'
import { prune } from './prune.ts'
import { endRevision } from './sql.ts'

/**
 * Ends the presences that a statement selects, in writes of a bounded size. Where there are none nothing is written.
 *
 * @param select Selects `revision`; its last parameter is the limit.
 */
export async function endSelected(
  engine: PresenceEngine,
  select: string,
  parameters: readonly number[],
): Promise<void> {
  const { database } = engine
  const selected = (from: Database | Transaction): { revision: number }[] =>
    from.all<{ revision: number }>(select, [...parameters, sliceSize])
  for (let count = selected(database).length; count > 0;) {
    count = await database.write(
      (tx) => {
        const rows = selected(tx)
        const now = engine.clock.now()
        for (const { revision } of rows) tx.run(endRevision, [now, revision])
        if (rows.length > 0) tx.touch(presenceTopic)
        prune(tx, now, rows.length)
        return rows.length === sliceSize ? rows.length : 0
      },
      { label: 'presence', durability: 'os' },
    )
  }
}
