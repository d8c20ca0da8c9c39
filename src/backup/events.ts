import { defineEvent, type Event } from '../core/index.ts'
import type { Verification } from './verify/verification.ts'

/** Litestream was started. */
export interface ReplicationStartedMessage {
  pid: number
  version: string
}

/** Litestream has ended. */
export interface ReplicationEndedMessage {
  /** Exit code or signal, in words. */
  how: string
  /** When it is started again, in milliseconds from now; `undefined` when it is not. */
  delay: number | undefined
}

/** Something is wrong with the replication, or nothing is any more. */
export interface ReplicationProblemMessage {
  /** `undefined`: all is well again. */
  problem: ReplicationProblem | undefined
  /** What was wrong before. */
  before: ReplicationProblem | undefined
}

/** What is wrong with a replication. */
export interface ReplicationProblem {
  /**
   * `down`: Litestream does not run; `crash-loop`: it keeps ending; `silent`: it does not answer; `lag`: a replica is behind; `error`: it
   * told of an error a short while ago.
   */
  kind: 'down' | 'crash-loop' | 'silent' | 'lag' | 'error'
  /** In words, with the cure if there is one. */
  message: string
}

/** `handcar.backup.started` */
export const startedEvent: Event<ReplicationStartedMessage> = defineEvent('handcar.backup.started')
/** `handcar.backup.ended` */
export const endedEvent: Event<ReplicationEndedMessage> = defineEvent('handcar.backup.ended')
/** `handcar.backup.problem` */
export const problemEvent: Event<ReplicationProblemMessage> = defineEvent('handcar.backup.problem')
/** `handcar.backup.verified`: for each result, whatever it is. */
export const verifiedEvent: Event<Verification> = defineEvent('handcar.backup.verified')
