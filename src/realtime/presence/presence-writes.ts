import { SharedWrite, type Transaction } from '../../database/index.ts'
import { presenceTopic, sliceSize, type OwnEntry, type PresenceEngine } from './entry.ts'
import { prune } from './prune.ts'
import type { Seat } from './seat.ts'
import { endPresence, insertPresence, orphanPresence, updatePresence } from './sql.ts'

/** What becomes of an entry of this process. */
export type PresenceWrite = OwnEntry & {
  readonly becomes: 'present' | 'left' | 'orphan'
  /** When; of an orphan: when it ends. */
  readonly at: number
}

/**
 * Writes who comes and goes: what happens in one turn of the event loop is one statement each and one commit. It survives a crash of
 * the process, which ends the presences anyway, and is not waited for to reach the disk.
 */
export class PresenceWrites {
  readonly #engine: PresenceEngine
  readonly #seat: Seat
  readonly #shared: SharedWrite<PresenceWrite, void>

  constructor(engine: PresenceEngine, seat: Seat) {
    this.#engine = engine
    this.#seat = seat
    this.#shared = new SharedWrite(engine.database, (tx, items) => this.#apply(tx, items), {
      label: 'presence',
      durability: 'os',
    })
  }

  /** Resolves once it is committed; after those that were asked for before. */
  write(item: PresenceWrite): Promise<void> {
    return this.#engine.enter(() => this.#shared.write(item))
  }

  /** Writes many, in writes of a bounded size. */
  async writeAll(items: readonly PresenceWrite[]): Promise<void> {
    for (let at = 0; at < items.length; at += sliceSize)
      await Promise.all(items.slice(at, at + sliceSize).map((item) => this.write(item)))
  }

  #apply(tx: Transaction, items: readonly PresenceWrite[]): void[] {
    tx.touch(presenceTopic)
    const process = items.some(({ becomes }) => becomes === 'present') ? this.#seat.confirm(tx) : 0
    for (const item of items) {
      if (item.becomes === 'present') putPresence(tx, item, process)
      else
        tx.run(item.becomes === 'left' ? endPresence : orphanPresence, [
          item.at,
          item.channel,
          item.connection,
        ])
    }
    prune(tx, this.#engine.clock.now(), items.length)
    return items.map(() => undefined)
  }
}

function putPresence(tx: Transaction, item: PresenceWrite, process: number): void {
  const { channel, user, connection, metadata, at } = item
  const { changes } = tx.run(updatePresence, [process, user, metadata, channel, connection])
  if (changes === 0) tx.run(insertPresence, [at, process, channel, user, connection, metadata])
}
