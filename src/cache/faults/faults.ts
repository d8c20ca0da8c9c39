import { stat } from 'node:fs/promises'
import type { Engine } from '../engine.ts'
import { errorEvent, type ErrorMessage } from '../events.ts'
import { deleteLost } from '../sql.ts'
import type { Transaction } from '../../database/index.ts'
import { rootName } from '../spaces/space.ts'
import { codeOf, isBug, isDamage, isFull } from './errors.ts'
import { FaultLog } from './fault-log.ts'
import { Lost } from './lost.ts'
import { reopen } from './reopen.ts'

/** How long writing rests after the disk was full, and opening after it failed, in milliseconds. */
const restAfterFull = 5_000
const restAfterFailure = 1_000
/** How often it is looked whether the file is still the one that was opened, in milliseconds, while the cache is used. */
const identityInterval = 250
/** After a table was missing: how long until a file is begun anew for that again, twice as long each time, in milliseconds. */
const renewDelay = { shortest: 1_000, longest: 3_600_000 }

/**
 * A cache never breaks the app: where the storage fails, a read is a miss and a write does nothing.
 *
 * - A write that failed has not removed what was there before. Its key is a miss in this process from then on, and the entry is deleted
 *   as soon as writing works again.
 * - A damaged file is set aside, and a new one begun; a file that was deleted or replaced is opened anew. Both go on while the app runs.
 * - When the disk is full, writing rests for some seconds and is tried again.
 */
export class Faults {
  readonly #engine: Engine
  readonly #lost = new Lost()
  readonly #log: FaultLog
  #isOff = true
  #writesAgainAt = 0
  #renewsAgainAt = 0
  #renewDelay = renewDelay.shortest
  #identity = 0
  #lookedAt = 0
  #repair: Promise<void> | undefined
  #isStopped = true
  #retry: NodeJS.Timeout | undefined
  /** How many calls have failed since the start. */
  errors = 0

  constructor(engine: Engine) {
    this.#engine = engine
    this.#log = new FaultLog(engine.logger, engine.database)
  }

  /** Whether every read is a miss: the storage is not there, or nothing in it counts. */
  get isOff(): boolean {
    return this.#isOff || this.#lost.areAll
  }

  /** Whether the storage is there. */
  get isOpen(): boolean {
    return !this.#isOff
  }

  /** Whether a write is worth trying. */
  get canWrite(): boolean {
    return !this.#isOff && performance.now() >= this.#writesAgainAt
  }

  /** The storage was opened. */
  async opened(): Promise<void> {
    this.#isStopped = false
    this.#isOff = false
    this.#lost.clear()
    this.#writesAgainAt = 0
    this.#identity = (await stat(this.#engine.database.path)).ino
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#retry)
    await this.#repair
    this.#isOff = true
  }

  /** Something of the storage failed. */
  report(during: ErrorMessage['during'], error: unknown): void {
    this.errors++
    if (errorEvent.hasSubscribers) errorEvent.publish({ during, error })
    this.#log.add(during, error)
    if (this.#isStopped || during === 'decode' || during === 'factory') return
    const code = codeOf(error)
    if (code === 'SQLITE_ERROR') this.#renew()
    else if (isDamage(code)) this.repair(true)
    else if (code === 'HANDCAR_DATABASE_REPLACED' || code === 'HANDCAR_SYNC_FAILED') this.repair(false)
    else if (isFull(code)) this.#writesAgainAt = performance.now() + restAfterFull
  }

  /** A read for a caller failed: a mistake in the code is the caller's to hear of, anything else makes it a miss. */
  missed(error: unknown): void {
    if (isBug(error)) throw error
    this.report('read', error)
  }

  /**
   * A statement cannot be run, as when a table is gone. A new file helps, unless the mistake is in the statement: so the file is begun anew
   * less and less often.
   */
  #renew(): void {
    const now = performance.now()
    if (now < this.#renewsAgainAt || this.#isOff) return
    // Nothing of the kind for a long time: it is something new.
    if (now - this.#renewsAgainAt > renewDelay.longest) this.#renewDelay = renewDelay.shortest
    this.#renewsAgainAt = now + this.#renewDelay
    this.#renewDelay = Math.min(this.#renewDelay * 2, renewDelay.longest)
    this.repair(true)
  }

  /** A write of a key failed: what is in the file is not what it should be. */
  lose(id: number): void {
    this.#lost.add(id)
  }

  hasLost(id: number): boolean {
    return this.#lost.has(id)
  }

  /** In a transaction that writes: deletes what could not be deleted before. Returns what its end is told to; `undefined`: nothing was there. */
  putAway(tx: Transaction): PutAway | undefined {
    const losses = this.#lost.take()
    if (losses === undefined) return undefined
    const { spaces, sweeper } = this.#engine
    const end = (isCommitted: boolean): void => {
      this.#lost.taken(isCommitted)
      if (isCommitted && losses.areAll) sweeper.clean()
    }
    try {
      let entries = 0
      if (losses.areAll) spaces.renumber(tx, spaces.of(rootName))
      else for (const id of losses.ids) entries += tx.run(deleteLost, [id]).changes
      return { entries, end }
    } catch (error) {
      end(false)
      throw error
    }
  }

  /** Looks in the background, now and then, whether the file is still the one that was opened. */
  checkFile(): void {
    const now = performance.now()
    if (now - this.#lookedAt < identityInterval || this.#isOff) return
    this.#lookedAt = now
    const expected = this.#identity
    stat(this.#engine.database.path).then(
      ({ ino }) => {
        if (ino !== expected && expected === this.#identity) this.repair(false)
      },
      () => {
        if (expected === this.#identity) this.repair(false)
      },
    )
  }

  /** Opens the file anew; one that is damaged is set aside before. The cache is off until that has worked. */
  repair(isDamaged: boolean): void {
    if (this.#repair !== undefined || this.#isStopped) return
    this.#isOff = true
    this.#repair = this.#reopen(isDamaged).finally(() => {
      this.#repair = undefined
    })
  }

  async #reopen(isDamaged: boolean): Promise<void> {
    const { database, logger } = this.#engine
    try {
      const setAside = await reopen(database, isDamaged ? this.#identity : undefined)
      if (this.#isStopped) return
      await this.#engine.storageIsNew()
      await this.opened()
      if (setAside !== undefined)
        logger.error({ path: database.path, setAside }, 'the file of the cache was damaged and begun anew')
      else logger.warn({ path: database.path }, 'the file of the cache was replaced and opened anew')
    } catch (error) {
      this.errors++
      if (errorEvent.hasSubscribers) errorEvent.publish({ during: 'repair', error })
      this.#log.add('repair', error)
      if (this.#isStopped) return
      const isStillDamaged = isDamage(codeOf(error))
      this.#retry = setTimeout(() => this.repair(isStillDamaged), restAfterFailure)
      this.#retry.unref()
    }
  }
}

/** What a transaction has deleted that could not be deleted before. */
export interface PutAway {
  readonly entries: number
  /** Has to be called when the transaction is committed, or is not. */
  readonly end: (isCommitted: boolean) => void
}
