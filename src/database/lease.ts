/**
 * The write lease: who may write next, first come first served, over all processes on one database file.
 *
 * SQLite's lock is the truth; the lease only decides who tries. While transactions are short, trying again soon is the fastest
 * way and fair enough: the writing is *open*. But a process that polls for the lock loses against one that writes without a
 * pause, so whoever has waited for long asks the coordinator, and from then on everybody needs the lease: the writing is
 * *queued*, until nobody has asked for a while. Coordinator and clients speak single bytes over a unix socket:
 *
 *     client ── ask ──────► coordinator      "I want to write"
 *     client ◄─ queued ──── coordinator      to all: "ask before you write"
 *     client ◄─ grant ───── coordinator      "now you may, until I ask it back"
 *     client ◄─ revoke ──── coordinator      "somebody else waits"
 *     client ── release ──► coordinator      "my batch has ended"
 *     client ◄─ open ────── coordinator      to all: "write as you like"
 *     client ◄─ pause ───── coordinator      to all: "write nothing for a moment, the WAL is being moved"
 *     client ◄─ resume ──── coordinator      to all: "go on"
 *
 * A holder keeps the lease until somebody else asks. When a holder dies its socket closes and the lease passes on; one that
 * does not answer loses it. When the coordinator dies or hangs, clients fall
 * back to trying SQLite's lock every millisecond: the lease is never needed for correctness. A pause is none either: a client
 * that hears nothing goes on by itself (`wal-pressure.ts` tells what it is for).
 */
export const message = {
  ask: 0x41,
  release: 0x52,
  grant: 0x47,
  revoke: 0x56,
  queued: 0x51,
  open: 0x4f,
  /** The coordinator's checkpointer runs, so that its clients need none of their own. */
  checkpointing: 0x43,
  /** It does not. */
  notCheckpointing: 0x4e,
  /** Somebody who replicates the WAL does it, so that nobody else may; not even for a while after the coordinator has gone. */
  replicating: 0x4c,
  pause: 0x50,
  resume: 0x55,
  /** The disk did not take what it checkpointed, so that nobody may acknowledge a write any more. */
  failed: 0x46,
} as const

/** The coordinator repeats its status this often, in milliseconds, so that one that hangs is told from one that has nothing to say. */
export const heartbeatInterval = 1_000

/** A holder that does not give the lease back within this time, in milliseconds, loses it: it may hang. */
export const longestHold = 250

/** Writers pause for the WAL for so long at most, in milliseconds. */
export const longestPause = 1_000

/** The writing is open again when nobody has asked for this long, in milliseconds. */
export const quietTime = 500

/** A coordinator that was silent for this long, in milliseconds, counts as gone. */
export const longestSilence = 4_000
