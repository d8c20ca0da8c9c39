import { defineEvent, type Event } from '../core/index.ts'

/** A statement has run. */
export interface QueryMessage {
  /** Path of the database. */
  path: string
  /** SQL text without its values. */
  text: string
  /** How long it ran, in milliseconds. */
  duration: number
  /** Whether it could change the database. */
  readonly: boolean
}

/** A batch of writes was committed. */
export interface CommitMessage {
  path: string
  /** How many bodies it had. */
  writes: number
  /** How long the write lock was held, in milliseconds. */
  held: number
  /** Labels of the bodies, in order; the name of the function where no label was given. */
  labels: string[]
}

/** A write has waited in the queue and now begins. */
export interface WaitMessage {
  path: string
  label: string
  /** From the call to the begin of its transaction, in milliseconds. */
  waited: number
}

/** The write lock was taken by somebody else; the writer retries. */
export interface BusyMessage {
  path: string
  /** How long the first write in the queue has waited so far, in milliseconds. */
  waited: number
}

/** The checkpointer has moved part of the WAL into the database. */
export interface CheckpointMessage {
  path: string
  mode: 'passive' | 'restart'
  /** Frames (pages) in the WAL. */
  frames: number
  /** Frames already moved into the database. */
  checkpointed: number
  /** How long it took, in milliseconds. */
  duration: number
}

/** A reader that stays open keeps the WAL from being reused, so that it grows. */
export interface PinnedMessage {
  path: string
  frames: number
  /** For how long the WAL could not be reused, in milliseconds. */
  duration: number
  /** Processes that hold a read lock; empty where the system does not tell. */
  readers: { pid: number; command: string }[]
}

/** Writers have paused, so that a checkpoint of whoever replicates the WAL could complete. */
export interface PausedMessage {
  path: string
  /** Pages in the WAL at the end of the pause. */
  frames: number
  /** In milliseconds. */
  duration: number
  /** Whether the WAL begins anew. When it does not, the writers go on all the same, and pause again when it has grown further. */
  isMoved: boolean
}

/** `handcar.database.query` */
export const queryEvent: Event<QueryMessage> = defineEvent('handcar.database.query')
/** `handcar.database.wait` */
export const waitEvent: Event<WaitMessage> = defineEvent('handcar.database.wait')
/** `handcar.database.commit` */
export const commitEvent: Event<CommitMessage> = defineEvent('handcar.database.commit')
/** `handcar.database.busy` */
export const busyEvent: Event<BusyMessage> = defineEvent('handcar.database.busy')
/** `handcar.database.checkpoint` */
export const checkpointEvent: Event<CheckpointMessage> = defineEvent('handcar.database.checkpoint')
/** `handcar.database.paused` */
export const pausedEvent: Event<PausedMessage> = defineEvent('handcar.database.paused')
/** `handcar.database.pinned` */
export const pinnedEvent: Event<PinnedMessage> = defineEvent('handcar.database.pinned')
