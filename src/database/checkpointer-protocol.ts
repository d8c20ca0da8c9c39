import type { CheckpointDuty } from './checkpoint-duty.ts'
import type { LockHolder } from './lock-holders.ts'
import type { ResolvedCheckpointerOptions } from './options.ts'

/** What the thread of the checkpointer is started with. */
export interface CheckpointerData {
  path: string
  options: ResolvedCheckpointerOptions
  duty: CheckpointDuty
}

/** What the thread is told: to end, or what to do from now on. */
export type CheckpointerOrder = 'stop' | CheckpointDuty

/** What the thread tells. Frames are pages in the WAL; durations are milliseconds. */
export type CheckpointerReport =
  | {
      kind: 'checkpoint'
      mode: 'passive' | 'restart'
      frames: number
      checkpointed: number
      duration: number
    }
  | { kind: 'pinned'; frames: number; duration: number; readers: LockHolder[] }
  | { kind: 'released' }
  | { kind: 'failed'; reason: string }
  | { kind: 'trouble'; reason: string }
  /** What it does from now on. */
  | { kind: 'duty'; duty: CheckpointDuty['kind'] }
  /** It has waited for a replicator in vain. */
  | { kind: 'took over' }
  | { kind: 'watched'; frames: number; checkpointed: number }
  | { kind: 'pause'; frames: number }
  /** Somebody else checkpoints, and the WAL is over half of its limit. */
  | { kind: 'large' }
  | {
      kind: 'resume'
      frames: number
      bytes: number
      duration: number
      /** Whether everything was moved, so that the WAL begins anew. */
      isMoved: boolean
      /** Who reads, when it was not. */
      readers: LockHolder[]
    }
  /** The file at the path is not the one that was opened. */
  | { kind: 'replaced' }

/** What `pragma wal_checkpoint` answers. */
export interface WalState {
  /** Whether something stood in the way. */
  busy: number
  /** Frames in the WAL. */
  log: number
  checkpointed: number
}
