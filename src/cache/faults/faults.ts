import { stat } from 'node:fs/promises'
import type { Engine } from '../engine.ts'
import { errorEvent, type ErrorMessage } from '../events.ts'
import { deleteLost } from '../sql.ts'
import { codeOf, isDamage, isFull } from './errors.ts'
import { reopen } from './reopen.ts'

/** One line in the log in so many milliseconds. */
const logInterval = 60_000
/** How long writing rests after the disk was full, and opening after it failed, in milliseconds. */
const restAfterFull = 5_000
const restAfterFailure = 1_000
/** How often it is looked whether the file is still the one that was opened, in milliseconds, while the cache is used. */
const identityInterval = 250
/** After a table was missing: how long until a file is begun anew for that again, twice as long each time, in milliseconds. */
const renewDelay = { shortest: 1_000, longest: 3_600_000 }
/** Writes that failed and are remembered one by one. */
const mostLost = 10_000

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
  readonly #lost = new Set<number>()
  #hasLostAll = false
  #isOff = true
  #loggedAt = -Infinity
  #unlogged = 0
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
  }

  /** Whether the storage is not there: every read is a miss. */
  get isOff(): boolean {
    return this.#isOff || this.#hasLostAll
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
    this.#hasLostAll = false
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
    this.#log(during, error)
    if (this.#isStopped || during === 'decode' || during === 'factory') return
    const code = codeOf(error)
    if (code === 'SQLITE_ERROR') this.#renew()
    else if (isDamage(code)) this.repair(true)
    else if (code === 'HANDCAR_DATABASE_REPLACED' || code === 'HANDCAR_SYNC_FAILED') this.repair(false)
    else if (isFull(code)) this.#writesAgainAt = performance.now() + restAfterFull
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
    if (this.#lost.size < mostLost) this.#lost.add(id)
    else this.#hasLostAll = true
  }

  hasLost(id: number): boolean {
    return this.#lost.size > 0 && this.#lost.has(id)
  }

  /** Writing works: what could not be deleted is deleted now. */
  writesSucceeded(): void {
    if (this.#lost.size === 0) return
    const { writes, spaces } = this.#engine
    const lost = [...this.#lost]
    const hadLostAll = this.#hasLostAll
    this.#lost.clear()
    const deleted = hadLostAll
      ? spaces.clear(spaces.of(''))
      : writes.work((tx) => {
          for (const id of lost) tx.run(deleteLost, [id])
          return true
        }, false)
    const loseAgain = (): void => {
      for (const id of lost) this.lose(id)
    }
    void deleted.then((isDone) => {
      if (isDone) this.#hasLostAll = false
      else loseAgain()
    }, loseAgain)
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
      this.#log('repair', error)
      if (this.#isStopped) return
      const isStillDamaged = isDamage(codeOf(error))
      this.#retry = setTimeout(() => this.repair(isStillDamaged), restAfterFailure)
      this.#retry.unref()
    }
  }

  #log(during: string, error: unknown): void {
    const now = performance.now()
    if (now - this.#loggedAt < logInterval) {
      this.#unlogged++
      return
    }
    const { logger, database } = this.#engine
    logger.warn(
      { path: database.path, during, error: String(error), code: codeOf(error), before: this.#unlogged },
      'the cache could not do its work, and the app goes on without',
    )
    this.#loggedAt = now
    this.#unlogged = 0
  }
}
