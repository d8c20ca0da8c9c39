import assert from 'node:assert/strict'
import { Database } from 'handcar/database'
import type { Commit } from '../helpers/ledger-load.ts'
import type { Claim } from '../helpers/replicated-machine.ts'
import { auditLedger, type Acknowledged } from './ledger-audit.ts'

/** What a restored database has of the transactions that were acknowledged. */
export interface Restored {
  /** How many entries it has, which is the id of the newest. */
  position: number
  kept: Commit[]
  lost: Commit[]
}

/**
 * Audits a ledger that was restored: whole transactions only, none missing before the newest that is there, each in the place at which it
 * was acknowledged.
 *
 * @param commits What was acknowledged since the ledger began, without what was lost before.
 */
export async function auditRestored(path: string, commits: readonly Commit[]): Promise<Restored> {
  await using database = new Database({ path, readers: false, readOnly: true, slowQuery: '1h' })
  await database.start()
  const { count, position } = database.get<{ count: number; position: number }>(
    'select count(*) as count, coalesce(max(id), 0) as position from entries',
  )!
  const kept = commits.filter(({ id }) => id <= position)
  const lost = commits.filter(({ id }) => id > position)
  assert.deepEqual(auditLedger(database, numbersByWriter(kept)), [])
  assert.equal(count, position, 'no entry is missing before the newest')
  const rows = database.all<{ id: number; key: string }>(
    "select id, writer || '/' || number as key from entries where part = 3",
  )
  const places = new Map(rows.map(({ id, key }) => [key, id]))
  const displaced = kept.filter(({ writer, number, id }) => places.get(`${writer}/${number}`) !== id)
  assert.deepEqual(displaced, [], 'each is where it was acknowledged')
  return { position, kept, lost }
}

/** What the status has told to be replicated must be there. */
export function auditClaims(claims: readonly Claim[], lost: readonly Commit[]): void {
  const oldest = Math.min(Infinity, ...lost.map(({ at }) => at))
  const wrong = claims.filter(({ until }) => oldest < until)
  assert.deepEqual(
    wrong.slice(0, 3),
    [],
    `what was acknowledged at ${oldest} is lost, and was called replicated`,
  )
}

function numbersByWriter(commits: readonly Commit[]): Acknowledged {
  const grouped = Map.groupBy(commits, ({ writer }) => writer)
  return new Map([...grouped].map(([writer, of]) => [writer, of.map(({ number }) => number)]))
}

/** Of some milliseconds: half of them are below the first, 99 % below the second. */
export function distribution(values: readonly number[]): string {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, max ${sorted.at(-1) ?? 0} ms (${sorted.length})`
}
