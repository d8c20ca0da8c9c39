import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'

/** The number of the newest row that `recording-writer-process` has left in a database; fails when a transaction is torn or missing. */
export function newestRow(path: string): number {
  using file = new DatabaseSync(path, { readOnly: true })
  const [one, two] = ['one', 'two'].map((table) =>
    file.prepare(`select count(*) as count, coalesce(max(id), 0) as last from ${table}`).get(),
  ) as { count: number; last: number }[]
  assert.deepEqual({ ...one }, { ...two }, 'no transaction is torn')
  assert.equal(one!.count, one!.last, 'and none is missing in between')
  return one!.last
}
