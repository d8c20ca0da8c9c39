import { randomUUID } from 'node:crypto'
import type { Transaction } from '../../database/index.ts'
import type { AnyJobDefinition } from '../definition/define-job.ts'
import type { Engine } from '../engine.ts'
import { timeAfter } from '../time.ts'
import {
  beginStep,
  endWait,
  failStep,
  finishStep,
  insertSleep,
  putWait,
  selectEvent,
  selectHeard,
} from './sql.ts'
import { storedErrorOf, misuse } from './step-errors.ts'
import {
  assertHeld,
  noteProgress,
  readStep,
  recordCursor,
  recordWrite,
  type HeldJob,
} from './step-records.ts'
import type { Answer, Over, StepStore, StoredError } from './step-store.ts'

/** What the writes are called in events and errors. */
const label = 'handcar.jobs.step'
const done: Over = { kind: 'done', result: undefined }

/**
 * The steps of one job in the database. Each write makes sure first that the job still belongs to this attempt, so that an attempt
 * that goes on although its job was given to another process leaves no trace.
 *
 * After a crash: a step of which only the beginning is written is run again, with the same key.
 */
export class StoredSteps implements StepStore {
  readonly #engine: Engine
  readonly #job: HeldJob
  readonly #definition: AnyJobDefinition

  constructor(engine: Engine, job: HeldJob, definition: AnyJobDefinition) {
    this.#engine = engine
    this.#job = job
    this.#definition = definition
  }

  async begin(name: string, mostTries: number | undefined): Promise<Answer> {
    const { clock, database } = this.#engine
    const row = readStep(database, this.#job, name, 'step')
    if (row?.state === 'done') return { kind: 'done', result: row.result ?? undefined }
    if (row?.state === 'failed')
      return { kind: 'failed', tries: row.tries, error: JSON.parse(row.error!) as StoredError }
    if (this.#engine.isStopping) return { kind: 'leave' }
    if (row?.state === 'retrying' && row.wake_at! > clock.now())
      return { kind: 'parked', wakeAt: row.wake_at! }
    if (row !== undefined && mostTries !== undefined && row.tries >= mostTries)
      return this.#giveUp(name, row.tries, row.error)
    const begun = await this.#write((tx) =>
      tx.get<{ tries: number; key: string }>(beginStep, [this.#job.id, name, clock.now(), randomUUID()]),
    )
    return { kind: 'run', ...begun! }
  }

  finish(name: string, result: string | undefined): Promise<void> {
    return this.#write((tx) => {
      tx.run(finishStep, [result ?? null, this.#engine.clock.now(), this.#job.id, name])
      noteProgress(tx, this.#job)
    })
  }

  async fail(
    name: string,
    error: StoredError,
    delay: number | 'default' | undefined,
  ): Promise<number | undefined> {
    const now = this.#engine.clock.now()
    return this.#write((tx) => {
      const { tries } = readStep(tx, this.#job, name, 'step')!
      const wait = delay === 'default' ? this.#definition.backoff(tries) : delay
      const wakeAt = wait === undefined ? undefined : timeAfter(now, wait || 0)
      const state = wakeAt === undefined ? 'failed' : 'retrying'
      const text = JSON.stringify(error)
      tx.run(failStep, [state, text, wakeAt ?? null, wakeAt === undefined ? now : null, this.#job.id, name])
      return wakeAt
    })
  }

  write(
    name: string,
    body: (tx: Transaction) => unknown,
    encode: (value: unknown) => string | undefined,
  ): Promise<string | undefined> {
    const { clock, database } = this.#engine
    const row = readStep(database, this.#job, name, 'write')
    if (row !== undefined) return Promise.resolve(row.result ?? undefined)
    return database.write((tx) => recordWrite(tx, this.#job, name, body, encode, clock.now()), { label })
  }

  async sleep(name: string, time: { readonly in: number } | { readonly at: number }): Promise<Over> {
    const { clock, database } = this.#engine
    const row = readStep(database, this.#job, name, 'sleep')
    if (row?.state === 'done') return done
    const now = clock.now()
    const wakeAt = row?.wake_at ?? ('at' in time ? time.at : timeAfter(now, time.in))
    if (wakeAt <= now) {
      await this.#write((tx) => {
        if (row === undefined) tx.run(insertSleep, [this.#job.id, name, 'done', now, now, wakeAt])
        else this.#endWait(tx, name, null, null)
      })
      return done
    }
    if (row === undefined)
      await this.#write((tx) => {
        tx.run(insertSleep, [this.#job.id, name, 'sleeping', now, null, wakeAt])
      })
    return { kind: 'parked', wakeAt }
  }

  async wait(name: string, event: string, timeout: number | undefined): Promise<Over> {
    const { clock, database } = this.#engine
    const { id } = this.#job
    const before = readStep(database, this.#job, name, 'wait')
    if (before?.state === 'done') return { kind: 'done', result: before.result ?? undefined }
    const answer = await this.#write<Over>((tx) => {
      const now = clock.now()
      const row = readStep(tx, this.#job, name, 'wait')
      if (row?.state === 'done') return { kind: 'done', result: row.result ?? undefined }
      const wakeAt =
        row === undefined ? (timeout === undefined ? null : timeAfter(now, timeout)) : row.wake_at
      if (row?.event !== event) {
        const { heard } = tx.get<{ heard: number | null }>(selectHeard, [id, event])!
        const found = tx.get<{ id: number; payload: string }>(selectEvent, {
          event,
          job: id,
          heard: heard ?? 0,
        })
        tx.run(putWait, [id, name, now, wakeAt, event, heard ?? 0])
        if (found !== undefined) return this.#endWait(tx, name, found.id, found.payload)
      }
      if (wakeAt === null || wakeAt > now) return { kind: 'parked', wakeAt: wakeAt ?? undefined }
      return this.#endWait(tx, name, null, null)
    })
    return answer
  }

  async cursor(name: string): Promise<string | undefined> {
    return readStep(this.#engine.database, this.#job, name, 'cursor')?.result ?? undefined
  }

  async save(
    name: string,
    value: string,
    body: ((tx: Transaction) => unknown) | undefined,
  ): Promise<boolean> {
    const { clock, database } = this.#engine
    await database.write((tx) => recordCursor(tx, this.#job, name, value, body, clock.now()), { label })
    return this.mustLeave()
  }

  /** Whether the process stops, so that the job is to go on in another one. */
  mustLeave(): boolean {
    return this.#engine.isStopping
  }

  /** A step that was begun as often as it may be, and of which nothing is known but that: its process died, or was stopped. */
  async #giveUp(name: string, tries: number, error: string | null): Promise<Over> {
    const stored =
      error === null
        ? storedErrorOf(misuse('its process died, or was stopped, while it ran'))
        : (JSON.parse(error) as StoredError)
    await this.fail(name, stored, undefined)
    return { kind: 'failed', tries, error: stored }
  }

  #endWait(tx: Transaction, name: string, heard: number | null, payload: string | null): Over {
    tx.run(endWait, [payload, heard, this.#engine.clock.now(), this.#job.id, name])
    noteProgress(tx, this.#job)
    return { kind: 'done', result: payload ?? undefined }
  }

  #write<Result>(body: (tx: Transaction) => Result): Promise<Result> {
    const write = (tx: Transaction): Result => {
      assertHeld(tx, this.#job)
      return body(tx)
    }
    return this.#engine.database.write<Result>(write, { label })
  }
}
