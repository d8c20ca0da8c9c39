import type { Failure } from '../core/index.ts'
import type { TreeStatus } from './status.ts'

/**
 * What a supervisor and its processes tell one another over the IPC channel. The channel keeps the order, so every connection
 * that was handed over before `drain` arrives before it.
 *
 * `serve` says that the release serves now; from then on a process is told of the deaths of others, and before it of the last ones.
 */

/** From the supervisor. `connection` comes with a socket. */
export type Order =
  | { type: 'connection'; id: number }
  | ({ type: 'drain' } & DrainOrder)
  | { type: 'ping' }
  | { type: 'tree'; id: number; tree: TreeStatus }
  | { type: 'serve' }
  | { type: 'death'; death: ProcessDeath }

/** From a process. */
export type Report =
  | { type: 'accepted'; id: number }
  | { type: 'ready' }
  | { type: 'failed'; failure: Failure }
  | { type: 'pong'; rss: number; stats: ProcessStats }
  | { type: 'drained'; report: object }
  | { type: 'tree'; id: number }

/** How a process of the tree has ended, other than in good order. */
export interface ProcessDeath {
  pid: number
  /** The signal that ended it. */
  signal?: string
  exitCode?: number
}

/** How a process shall end. */
export interface DrainOrder {
  /** A new process takes its place; everything stops; it used too much memory; its supervisor is gone. */
  reason: 'reload' | 'stop' | 'memory' | 'orphaned'
  /** Milliseconds that an idle keep-alive connection may stay silent before it is closed. */
  idle: number
  /** Milliseconds until what still runs is cut. */
  timeout: number
}

/** What a process tells of its work; `undefined` fields are what it does not know. */
export interface ProcessStats {
  requests?: number
  requestsPerSecond?: number
  active?: number
  connections?: number
  /** Milliseconds of the last minute's requests. */
  p50?: number
  p99?: number
  queuedWrites?: number
  /** What it does of the jobs; `undefined` where it performs none. */
  jobs?: {
    slots: number
    running: number
    /** Since its start. */
    completed: number
    failed: number
    /** Milliseconds that the job has waited which comes next, in any process. */
    longestWait: number
  }
  /** What the cache has done in it since its start. */
  cache?: {
    hits: number
    misses: number
    /** Hits among all reads, from 0 to 1. */
    ratio: number
    errors: number
    /** Whether its storage is in order. */
    isOn: boolean
  }
  /** What is to be worried about in the verifications of the backup, if anything. */
  verification?: string
  /** What it does for the clients of realtime; `undefined` where it takes none. */
  realtime?: {
    connections: number
    subscriptions: number
    /** Subscriptions that are being caught up from the log. */
    behind: number
    /** Bytes that wait for clients to take them. */
    buffered: number
    /** Messages that this process has not read yet. */
    lag: number
    /** Whether it can read the log. */
    isReading: boolean
  }
  [more: string]: unknown
}
