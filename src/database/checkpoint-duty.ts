/**
 * Who moves the WAL into the database file.
 *
 * Alone, our own thread does (`checkpoint`). But whoever replicates the WAL, such as Litestream, has to see every frame before it
 * is overwritten, and therefore keeps a read transaction open and checkpoints itself. A second checkpointer beside it gains
 * nothing: 7 of 493 of its passes completed (measured), and every pass that does complete while the replicator is away cuts the
 * replica's history. So ours gives way:
 *
 *     checkpoint ── giveWay() ──► watch ── the replicator has ended ──► wait ── `after` has passed, or ──► checkpoint
 *         ▲                         ▲                                    │      the WAL is over its limit
 *         │                         └────────── it runs again ───────────┘
 *         └── takeOver(): replication is switched off
 *
 * While it watches it bounds the WAL by letting the writers of all processes pause (`wal-pressure.ts`). Nothing is lost whatever
 * dies in between: a frame stays in the WAL until a checkpoint has it in the database, whoever does that.
 */
export type CheckpointDuty =
  | { kind: 'checkpoint' }
  /** Somebody else checkpoints. `walLimit` in bytes of frames. */
  | { kind: 'watch'; walLimit: number }
  /** Somebody else did, and may soon again. `after` in milliseconds from the moment at which the thread hears of it. */
  | { kind: 'wait'; walLimit: number; after: number }

/** How large the WAL becomes before writers pause, in bytes of frames. */
export const defaultWalLimit = 64 * 1_024 ** 2

/** For how long nobody checkpoints when the replicator has ended: it is started again meanwhile, and finds the WAL as it was. */
export const restartWindow = 30_000
