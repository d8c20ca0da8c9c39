import type { Database } from 'handcar/database'

/** The numbers of the transactions that each writer was told are kept. */
export type Acknowledged = ReadonlyMap<string, readonly number[]>

/** Every rule with the rows that break it. */
const rules: Record<string, string> = {
  'a transaction is not there exactly once and whole': `
    select writer, number, count(*) as rows from entries group by writer, number
    having count(*) <> 3 or count(distinct part) <> 3`,
  'an entry does not follow the one before it': `
    select id, writer, number, part from entries as entry
    where (part = 1) <> (previous_id is null) or part > 1 and not exists (
      select 1 from entries as previous
      where previous.id = entry.previous_id and previous.writer = entry.writer
        and previous.number = entry.number and previous.part = entry.part - 1)`,
  'a counter is not the number of transactions': `
    select writer, transactions, counted from
      (select writer, count(distinct number) as counted from entries group by writer)
      full join counters using (writer)
    where transactions is not counted`,
  'a transaction was rolled back and is there': 'select writer, number from entries where number < 0',
  'a foreign key points at nothing': 'pragma foreign_key_check',
}

/**
 * Checks a ledger against what its writers were told. Returns what is wrong, one line each; nothing when all is well. A
 * transaction that was not acknowledged may be there, whole, or not at all.
 */
export function auditLedger(database: Database, acknowledged: Acknowledged): string[] {
  const integrity = database.all<{ integrity_check: string }>('pragma integrity_check')
  const problems = integrity.map((row) => row.integrity_check).filter((line) => line !== 'ok')
  if (problems.length > 0) return problems.map((line) => `integrity_check: ${line}`)
  for (const [rule, query] of Object.entries(rules)) {
    const rows = database.all(query)
    if (rows.length > 0) problems.push(`${rule}: ${rows.length}, first ${JSON.stringify(rows[0])}`)
  }
  return [...problems, ...lostTransactions(database, acknowledged)]
}

/** Which acknowledged transactions are missing. */
function lostTransactions(database: Database, acknowledged: Acknowledged): string[] {
  return [...acknowledged].flatMap(([writer, numbers]) => {
    const rows = database.all<{ number: number }>('select distinct number from entries where writer = ?', [
      writer,
    ])
    const present = new Set(rows.map(({ number }) => number))
    const lost = numbers.filter((number) => !present.has(number))
    if (lost.length === 0) return []
    return [`lost: ${lost.length} of ${numbers.length} acknowledged by ${writer}, first ${lost[0]}`]
  })
}

/** Reads what writers have reported: lines `<writer> <number>`. A line that was cut short does not count. */
export function parseAcknowledgements(text: string): Map<string, number[]> {
  const acknowledged = new Map<string, number[]>()
  for (const [, writer, number] of text.matchAll(/^(.+) (\d+)\n/gm)) {
    const numbers = acknowledged.get(writer!)
    if (numbers) numbers.push(Number(number))
    else acknowledged.set(writer!, [Number(number)])
  }
  return acknowledged
}
