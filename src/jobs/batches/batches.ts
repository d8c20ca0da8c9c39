import { AsyncLocalStorage } from 'node:async_hooks'
import type { Transaction } from '../../database/index.ts'
import type { EndListener, Engine, Loop } from '../engine.ts'
import { Batch } from './batch.ts'
import { runBody, type BatchBuilder, type Planning } from './batch-builder.ts'
import { readBatchOptions } from './batch-options.ts'
import { orderPlan } from './dependency-graph.ts'
import { BatchMember } from './member.ts'
import { goOnCancelling } from './cancelling.ts'
import { insertPlan } from './plan-insertion.ts'
import { settleAndTell } from './settlement.ts'
import { selectBatch, selectUnsettled } from './sql.ts'

/**
 * Makes batches, and closes them: in the transaction in which their last job ends, whoever ends it.
 *
 *     job ends ─► trigger counts it in the row of its batch ─► listener: nothing pending? ─► state, callbacks, parent: one commit
 *
 * The counting is done by triggers of the database, so that it holds for every statement that anybody runs; what only such
 * a statement has done (the last job was deleted) is settled after its commit, by the loop below.
 *
 * After a crash nothing has to be done: what ended and what followed are one commit.
 */
export class Batches implements Loop {
  readonly #engine: Engine
  #enter: <Result>(work: () => Result) => Result = (work) => work()
  #unsubscribe: (() => void) | undefined
  #settling: Promise<void> | undefined

  constructor(engine: Engine) {
    this.#engine = engine
    const listener: EndListener = (tx, ended) => settleAndTell(engine, tx, ended, listener)
    engine.endListeners.push(listener)
  }

  /**
   * Makes a batch: the body says what is in it, then all of it is inserted at once, inside the open transaction or in one of its
   * own.
   */
  create(options: unknown, body: (batch: BatchBuilder) => void | Promise<void>): Promise<Batch> {
    const engine = this.#engine
    const { database } = engine
    const planning: Planning = { engine, pending: [], isDone: false }
    const none = { needs: [], ifNeedsFail: 'cancel' } as const
    const root = new BatchMember(readBatchOptions(engine, options), none, undefined)
    runBody(planning, root, body)
    const tx = database.transaction
    if (planning.pending.length > 0) return this.#createLater(planning, root, tx)
    const insert = this.#inserting(planning, root)
    return tx === undefined ? database.write(insert) : Promise.resolve(insert(tx))
  }

  /** A batch that was made before; `undefined` when there is none. */
  find(id: number): Batch | undefined {
    return this.#engine.database.get(selectBatch, [id]) === undefined
      ? undefined
      : new Batch(this.#engine, id)
  }

  start(): void {
    this.#enter = AsyncLocalStorage.snapshot()
    this.#unsubscribe = this.#engine.database.onCommit(() => this.#enter(() => this.#look()))
    this.#look()
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.()
    await this.#settling
  }

  async #createLater(planning: Planning, root: BatchMember, tx: Transaction | undefined): Promise<Batch> {
    // What one of them does may add further ones.
    for (const each of planning.pending) await each
    const insert = this.#inserting(planning, root)
    return tx === undefined ? this.#engine.database.write(insert) : insert(tx)
  }

  #inserting(planning: Planning, root: BatchMember): (tx: Transaction) => Batch {
    planning.isDone = true
    const plan = orderPlan(root)
    return (tx) => {
      insertPlan(this.#engine, tx, root, plan)
      return new Batch(this.#engine, root.id!)
    }
  }

  /** After a commit: whether it has left something to be settled, which the listener would have done. */
  #look(): void {
    const { database, logger } = this.#engine
    if (this.#settling !== undefined || database.get(selectUnsettled) === undefined) return
    this.#settling = this.#settle()
      .catch((error: unknown) => {
        logger.warn({ error: String(error) }, 'batches could not be settled; that is tried again')
      })
      .finally(() => (this.#settling = undefined))
  }
  async #settle(): Promise<void> {
    const { database } = this.#engine
    do {
      await database.write((tx) => settleAndTell(this.#engine, tx, []), { label: 'handcar.jobs.settle' })
      await goOnCancelling(this.#engine)
    } while (database.get(selectUnsettled) !== undefined)
  }
}
