import { ProcessSeat } from '../../database/index.ts'
import { endSelected } from './endings.ts'
import type { PresenceEngine } from './entry.ts'
import { seatKind, type Seat } from './seat.ts'
import { deleteProcess, selectOfProcess, selectOtherProcesses, selectStrayOwners } from './sql.ts'

/** Whether somebody tells at once when a process has gone: the relay. */
export interface GoneNotices {
  readonly isConnected: boolean
  onGone(listener: () => void): () => void
}

/** How often the others are looked at when nobody would tell that one has gone, in milliseconds. */
const lookInterval = 250
/** Of so many looks one is made all the same when the relay tells: it might have told nobody. */
const looksSaved = 40

interface ProcessRow {
  id: number
  token: string
  name: string
}

/**
 * Ends the presences of processes that have died. A process is dead when the file is not locked that it holds as long as it lives: a
 * process that only stands still keeps its presences, and nobody waits for a time to run out.
 *
 * They look when the relay says that a process has gone, which it hears from the kernel at once; every 250 ms where there is no
 * relay or it stands still; and every 10 s in any case. A look costs one small query, and a tenth of a millisecond for each process
 * that has presences.
 */
export class Survivors {
  readonly #engine: PresenceEngine
  readonly #seat: Seat
  readonly #relay: GoneNotices | undefined
  #timer: NodeJS.Timeout | undefined
  #unsubscribe: (() => void) | undefined
  #saved = 0
  #isStopped = true
  #looking: Promise<void> | undefined
  #isAsked = false

  constructor(engine: PresenceEngine, seat: Seat, relay: GoneNotices | undefined) {
    this.#engine = engine
    this.#seat = seat
    this.#relay = relay
  }

  /** Ends what earlier processes have left. */
  async start(): Promise<void> {
    this.#isStopped = false
    ProcessSeat.tidy(this.#engine.database.path, seatKind)
    await this.look()
    this.#unsubscribe = this.#relay?.onGone(() => void this.look())
    this.#timer = setInterval(() => this.#lookSometimes(), lookInterval).unref()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#timer)
    this.#unsubscribe?.()
    await this.#looking
  }

  #lookSometimes(): void {
    if (this.#relay?.isConnected === true && ++this.#saved < looksSaved) return
    this.#saved = 0
    void this.look()
  }

  /** Looks at all others now. Calls that come meanwhile are one more look. */
  look(): Promise<void> {
    this.#isAsked = true
    this.#looking ??= this.#engine
      .enter(() => this.#lookWhileAsked())
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  async #lookWhileAsked(): Promise<void> {
    try {
      while (this.#isAsked && !this.#isStopped) {
        this.#isAsked = false
        await this.#lookOnce()
      }
    } catch (error) {
      this.#saved = looksSaved
      this.#engine.logger.warn({ error: String(error) }, 'the look for processes that have ended failed')
    }
  }

  async #lookOnce(): Promise<void> {
    const { database } = this.#engine
    for (const row of database.all<ProcessRow>(selectOtherProcesses, [this.#seat.token ?? '']))
      await this.#settle(row)
    for (const { id } of database.all<{ id: number }>(selectStrayOwners))
      await endSelected(this.#engine, selectOfProcess, [id])
  }

  async #settle({ id, token, name }: ProcessRow): Promise<void> {
    const { database, logger } = this.#engine
    using heir = ProcessSeat.inherit(database.path, seatKind, token)
    if (heir === undefined) return
    await endSelected(this.#engine, selectOfProcess, [id])
    await database.run(deleteProcess, [id], { label: 'presence', durability: 'os' })
    logger.warn({ ended: name }, 'a process has ended without a word; its presences have ended with it')
  }
}
