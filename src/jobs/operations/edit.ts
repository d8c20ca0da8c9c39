import { option, OptionsError, readOptions, StateError } from '../../core/index.ts'
import { encode } from '../definition/payload.ts'
import type { JobRow } from '../enqueue/job-row.ts'
import { jobsTopic, type Engine } from '../engine.ts'
import { describeAct, note } from './action.ts'
import { makeRunnable } from './retry.ts'
import { editJob, selectEditable } from './sql.ts'

/** What of a job can be changed while it does not run. */
export interface JobEdit {
  /** Checked by the schema where this process knows the job; any JSON elsewhere. */
  payload?: unknown
  queue?: string
  priority?: number
  maxAttempts?: number
  tags?: readonly string[]
  /** Who does it, for the log of the job. */
  by?: string
}

interface EditableRow {
  id: number
  name: string
  state: string
  queue: string
  priority: number
  version: number
  payload: string
  fair_key: string | null
  limit_key: string | null
  limit_count: number | null
  rate_key: string | null
  max_attempts: number
  tags: string | null
}

type Prepared = Pick<JobRow, 'payload' | 'version' | 'limit_key' | 'limit_count' | 'rate_key' | 'fair_key'>

/**
 * Changes a job that does not run and has not completed. With a new payload, the keys of its limit, its rate and its turn are
 * made anew where this process knows the job; its unique key stays.
 *
 * @returns `false` when there is no such job
 * @throws OptionsError `HANDCAR_JOB_PAYLOAD`; StateError `HANDCAR_JOB_STATE` when it runs or has completed
 */
export async function edit(engine: Engine, id: number, edit: JobEdit): Promise<boolean> {
  const { database, clock } = engine
  const given = readEdit(edit)
  const name = database.get<EditableRow>(selectEditable, [id])?.name
  if (name === undefined) return false
  const prepared = given.hasPayload ? await prepare(engine, name, edit.payload) : undefined
  return database.write((tx) => {
    const row = tx.get<EditableRow>(selectEditable, [id])
    if (row === undefined) return false
    assertEditable(row)
    const queue = given.queue ?? row.queue
    const changed = { ...row, ...prepared, queue, priority: given.priority ?? row.priority }
    tx.run(editJob, {
      id,
      queue,
      priority: changed.priority,
      max_attempts: given.maxAttempts ?? row.max_attempts,
      tags: given.tags === undefined ? row.tags : given.tags.length === 0 ? null : JSON.stringify(given.tags),
      payload: changed.payload,
      version: changed.version,
      limit_key: changed.limit_key,
      limit_count: changed.limit_count,
      rate_key: changed.rate_key,
      fair_key: changed.fair_key,
    })
    if (row.state === 'available') makeRunnable(tx, [{ ...changed, batch_id: null }])
    tx.touch(jobsTopic)
    note(tx, [id], clock.now(), describeAct(`edited: ${given.names.join(', ')}`, given.by))
    return true
  })
}

function readEdit(edit: JobEdit) {
  const { payload: _, ...rest } = edit
  const hasPayload = Object.hasOwn(edit, 'payload')
  const given = readOptions('edit', rest, {
    queue: option.optional(option.text()),
    priority: option.optional(option.integer(0, { min: -1_000_000, max: 1_000_000 })),
    maxAttempts: option.optional(option.integer(25, { min: 1, max: 1_000_000 })),
    tags: option.optional(
      option.matching(
        'an array of strings',
        (value): value is string[] => Array.isArray(value) && value.every((each) => typeof each === 'string'),
      ),
    ),
    by: option.optional(option.text()),
  })
  const names = (Object.keys(edit) as (keyof JobEdit)[]).filter(
    (name) => name !== 'by' && (name === 'payload' || edit[name] !== undefined),
  )
  if (names.length === 0)
    throw new OptionsError(
      'HANDCAR_OPTION_INVALID',
      'edit expects something to change: payload, queue, priority, maxAttempts or tags',
    )
  return { ...given, hasPayload, names }
}

async function prepare(engine: Engine, name: string, payload: unknown): Promise<Partial<Prepared>> {
  const definition = engine.definitions.get(name)
  if (definition === undefined)
    return { payload: encode(payload, `payload of job "${name}"`, engine.maxPayload) }
  const { version, limit_key, limit_count, rate_key, fair_key, ...row } = await engine.enqueuer.prepare(
    definition,
    payload,
  )
  return { payload: row.payload, version, limit_key, limit_count, rate_key, fair_key }
}

function assertEditable({ id, name, state }: EditableRow): void {
  if (state !== 'running' && state !== 'completed') return
  throw new StateError(
    'HANDCAR_JOB_STATE',
    `Job ${id} ("${name}") cannot be edited: it ${state === 'running' ? 'runs' : 'has completed'}`,
  )
}
