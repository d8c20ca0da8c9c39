import type { Frame } from './frames.ts'

/** How a process is connected with the others: as the hub, or through it. */
export interface Link {
  readonly role: 'hub' | 'peer'
  /** How many other processes are connected. */
  readonly peers: number
  /** Hands frames on to all others that can take them; returns `false` when they were dropped, because nobody reads them. */
  write(frames: Buffer): boolean
  /** Ends it without calling back. */
  close(): Promise<void>
}

/** What a link calls back. */
export interface LinkEvents {
  /** Frames of messages, from other processes. */
  onMessage(message: Extract<Frame, { payload: unknown }>): void
  /** A process that was connected is not any more; it may live. */
  onGone(): void
  /** A peer was cut off, because it does not read. */
  onDropped(): void
  /** The link has ended, and another one has to be found. */
  onEnd(): void
}

/** So much may wait in this process for another one to read it, in bytes. */
export const mostBuffered = 1_048_576

/** The hub says at least this often that it lives, in milliseconds. */
export const heartbeatInterval = 1_000

/** A hub that was silent for this long, in milliseconds, stands still. */
export const longestSilence = 4_000
