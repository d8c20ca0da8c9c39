import { formatSize } from '../../core/index.ts'
import { Patience } from './patience.ts'
import type { LitestreamLine } from './version.ts'

/**
 * A WAL that is so many times as large as its limit is a flood. Litestream 0.5 that is started while its target answers nothing waits for the
 * target before it moves anything into the database (0.5.16, reproduced). 0.3 moves nothing either while it sends a whole copy, which it is
 * to finish.
 */
const flood = { '0.3': 16, '0.5': 4 }

/** How a Litestream that runs is, in milliseconds and bytes. */
export interface Look {
  line: LitestreamLine
  /** For how long it has made no progress. */
  stall: number
  /** Of the databases. */
  size: number
  /** Of the frames in the largest WAL. */
  wal: number
  /** Whether nothing is wrong, and the replicas are known to get something: right after a start nothing is wrong because nothing is known. */
  isWell: boolean
}

/**
 * Decides when a Litestream that makes no progress is to be ended: when it has made none for too long (`patience.ts`), or lets the WAL grow
 * without end meanwhile. When it has ended the coordinator moves the WAL.
 */
export class StallWatch {
  readonly #lagAlarm: number
  readonly #walLimit: number
  readonly #patience: Patience

  /** @param limits A lag that is an alarm, in milliseconds; bytes of a WAL above which writers pause. */
  constructor({ lagAlarm, walLimit }: { lagAlarm: number; walLimit: number }) {
    this.#lagAlarm = lagAlarm
    this.#walLimit = walLimit
    this.#patience = new Patience(lagAlarm)
  }

  /**
   * Takes a look, while it is not being ended.
   *
   * @returns why it is to be ended, in words; `undefined` when it may go on
   */
  judge({ line, stall, size, wal, isWell }: Look): string | undefined {
    if (isWell) this.#patience.renew()
    if (stall === 0) return undefined
    const told = `Litestream has made no progress for ${Math.round(stall / 1_000)} s`
    if (stall > this.#lagAlarm && wal > this.#walLimit * flood[line])
      return `${told}, while ${formatSize(wal)} wait in the WAL,`
    if (stall < this.#patience.limit(size)) return undefined
    this.#patience.ended()
    return told
  }
}
