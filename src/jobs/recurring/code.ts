import { isDeepStrictEqual } from 'node:util'
import type { Transaction } from '../../database/index.ts'
import { recurringTopic, type Engine } from '../engine.ts'
import type { RecurringDefinition } from './define-recurring.ts'
import { readSchedule } from './schedule.ts'
import { hasSameTicks, mergeCode, toRow, type RecurringRow, type SettingsRow } from './settings.ts'
import { replaceRecurring, selectRecurring } from './sql.ts'

/**
 * Brings the rows of recurring jobs up to what the code of this process says; writes nothing when they are. See
 * `mergeCode` for what becomes of settings that were edited.
 *
 * @throws OptionsError `HANDCAR_JOB_PAYLOAD` for a payload that its job does not take
 */
export async function writeCode(engine: Engine, definitions: Iterable<RecurringDefinition>): Promise<void> {
  const changed: RecurringDefinition[] = []
  for (const definition of definitions) {
    const { payload } = definition.settings
    if (typeof payload !== 'function') await engine.enqueuer.prepare(definition.job, payload)
    const row = engine.database.get<RecurringRow>(selectRecurring, [definition.name])
    if (row === undefined || !isDeepStrictEqual(row, withCode(engine, definition, row)))
      changed.push(definition)
  }
  if (changed.length === 0) return
  await engine.database.write((tx) => {
    for (const definition of changed) {
      const row = tx.get<RecurringRow>(selectRecurring, [definition.name])
      tx.run(replaceRecurring, { ...withCode(engine, definition, row) })
    }
    tx.touch(recurringTopic)
  })
}

function withCode(
  engine: Engine,
  { name, job, settings }: RecurringDefinition,
  row: RecurringRow | undefined,
) {
  const code = toRow(job.name, settings, engine.maxPayload)
  return makeRow(name, row === undefined ? code : mergeCode(row, code), row, engine.clock.now(), code)
}

/** The row of a recurring job with new settings. It begins to be ticked now, where its ticks are other ones than before. */
export function makeRow(
  name: string,
  settings: SettingsRow,
  before: RecurringRow | undefined,
  now: number,
  code: SettingsRow | undefined,
): RecurringRow {
  const begin = {
    ticked_until: now,
    next_at: readSchedule(settings.schedule, settings.time_zone).next(now) ?? null,
  }
  const { paused_at, ticked_until, next_at, last_at, last_job_id } = before ?? {
    paused_at: null,
    ...begin,
    last_at: null,
    last_job_id: null,
  }
  const plan = before === undefined || hasSameTicks(before, settings) ? { ticked_until, next_at } : begin
  return {
    name,
    ...settings,
    code: code === undefined ? null : JSON.stringify(code),
    paused_at,
    ...plan,
    last_at,
    last_job_id,
  }
}

/** Writes the row of a recurring job. */
export function writeRow(tx: Transaction, row: RecurringRow): void {
  tx.run(replaceRecurring, { ...row })
  tx.touch(recurringTopic)
}
