import type { Engine } from '../engine.ts'
import { selectEndedMembers } from './sql.ts'

/** A job of a batch that has not completed. */
export interface BatchFailure {
  id: number
  /** Of its definition. */
  name: string
  state: 'discarded' | 'cancelled'
  reason: string | null
}

interface MemberRow {
  id: number
  name: string
  state: string
  result: string | null
  reason: string | null
}

/** How many jobs are read in one turn of the event loop. */
const atOnce = 500

/** What the completed jobs of a batch have returned. */
export async function readResults<Result>(engine: Engine, batch: number, name?: string): Promise<Result[]> {
  const results: Result[] = []
  for await (const { result } of members(engine, batch, ['completed'], name))
    results.push((result === null ? undefined : JSON.parse(result)) as Result)
  return results
}

/** The jobs of a batch that were discarded or cancelled. */
export async function readFailures(engine: Engine, batch: number): Promise<BatchFailure[]> {
  const failures: BatchFailure[] = []
  for await (const { id, name, state, reason } of members(engine, batch, ['discarded', 'cancelled']))
    failures.push({ id, name, state: state as BatchFailure['state'], reason })
  return failures
}

async function* members(
  { database }: Engine,
  batch: number,
  states: readonly string[],
  name?: string,
): AsyncGenerator<MemberRow> {
  for (let after = 0; ;) {
    const rows = database.all<MemberRow>(selectEndedMembers, {
      batch,
      after,
      states: JSON.stringify(states),
      name: name ?? null,
      limit: atOnce,
    })
    yield* rows
    if (rows.length < atOnce) return
    after = rows.at(-1)!.id
    if (!database.isInTransaction) await new Promise((resolve) => setImmediate(resolve))
  }
}
