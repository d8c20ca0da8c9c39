import { invalidOption } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { makeRow, writeRow } from './code.ts'
import { readSettings, type RecurringSettings } from './recurring-settings.ts'
import { fromRow, toRow, type RecurringRow, type SettingsRow } from './settings.ts'

/** Writes other settings to a recurring job. What the code says is remembered as it was, so that the row knows what was edited. */
export function rewrite(tx: Transaction, { clock }: Engine, row: RecurringRow, settings: SettingsRow): void {
  const code = row.code === null ? undefined : (JSON.parse(row.code) as SettingsRow)
  writeRow(tx, makeRow(row.name, settings, row, clock.now(), code))
}

/**
 * The settings of a row with those of an edit: a cron expression takes the place of an interval, and the other way round.
 *
 * @throws OptionsError
 */
export function withEdit(row: RecurringRow, edit: RecurringSettings, maxPayload: number): SettingsRow {
  const { cron, every, ...before } = fromRow(row)
  const given = Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined))
  const schedule = 'cron' in given || 'every' in given ? {} : every === undefined ? { cron } : { every }
  const settings = readSettings(`Recurring job "${row.name}"`, { ...before, ...schedule, ...given })
  const edited = toRow(row.job, settings, maxPayload)
  // The code may make the payload of each tick, which is not to be seen in the row.
  return edit.payload === undefined ? { ...edited, payload: row.payload } : edited
}

/** Refuses a payload that could not be stored. */
export function refuseFunction(name: string, payload: unknown): void {
  if (typeof payload === 'function')
    throw invalidOption(`Recurring job "${name}" option "payload"`, 'JSON, which can be stored', payload)
}
