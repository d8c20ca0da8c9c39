import { connect, type Socket } from 'node:net'
import { longestPause, longestSilence, message } from './lease.ts'

/** How long to wait before looking for a coordinator again, in milliseconds. */
const reconnectDelay = 1_000
/** How long to wait for a coordinator that does not answer, in milliseconds. */
const connectTimeout = 500
/** A pause ends by itself after this, in milliseconds: its end may have been lost with the coordinator. */
const pausePatience = 2 * longestPause

/** Who checkpoints: somebody else; nobody; nobody, but a replicator did and may soon again, with the next coordinator. */
export type CheckpointedBy = 'others' | 'nobody' | 'nobody for now'

/** One process's side of the write lease. See `lease.ts`. */
export class LeaseClient {
  readonly #path: string
  readonly #onCheckpointing: (by: CheckpointedBy) => void
  readonly #onFailure: () => void
  #socket: Socket | undefined
  #connecting: Socket | undefined
  #reconnect: NodeJS.Timeout | undefined
  #state: 'none' | 'asked' | 'held' = 'none'
  /** What the coordinator said of its checkpointer, and repeats. */
  #status: number | undefined
  #isQueued = false
  #resumeBy: number | undefined
  #resumed = Promise.withResolvers<void>()
  #revoked = false
  #inUse = false
  #closed = false
  #wake: (() => void) | undefined

  /**
   * @param path Path of the coordinator's socket.
   * @param onCheckpointing Told whenever it becomes known who checkpoints this database.
   * @param onFailure Told when the disk did not take what the coordinator checkpointed.
   */
  constructor(path: string, onCheckpointing: (by: CheckpointedBy) => void, onFailure: () => void = () => {}) {
    this.#path = path
    this.#onCheckpointing = onCheckpointing
    this.#onFailure = onFailure
  }

  /** Whether a coordinator is there. */
  get isConnected(): boolean {
    return this.#socket !== undefined
  }

  /** Looks for a coordinator once, and from then on every second while there is none. Resolves after the first look. */
  connect(): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(this.#path)
      this.#connecting = socket
      socket.setTimeout(connectTimeout, () => socket.destroy())
      socket.once('data', () => {
        this.#socket = socket.setTimeout(longestSilence).unref()
        this.#connecting = undefined
        resolve()
      })
      socket.on('data', (bytes) => {
        for (const byte of bytes as Buffer) this.#receive(byte)
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        resolve()
        this.#lose()
      })
    })
  }

  /** Whether everybody has to hold the lease before writing. */
  get isQueued(): boolean {
    return this.#isQueued
  }

  /** Resolves when writers need not pause any more; `undefined` when they need not now. */
  get pause(): Promise<void> | undefined {
    if (this.#resumeBy !== undefined && performance.now() > this.#resumeBy) this.#resume()
    return this.#resumeBy === undefined ? undefined : this.#resumed.promise
  }

  /**
   * Takes the lease, waiting at most `patience` milliseconds for it: a holder whose event loop stands still must not
   * stop everybody. Afterwards the caller tries SQLite's lock in any case. Returns at once while the lease is held, and when
   * there is no coordinator.
   */
  acquire(patience: number): Promise<void> | undefined {
    if (this.#socket === undefined) return undefined
    this.#inUse = true
    if (this.#state === 'held') return undefined
    if (this.#state === 'none') {
      this.#state = 'asked'
      this.#socket.write(Buffer.of(message.ask))
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), patience)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
    })
  }

  /** Ends the use that `acquire` began: the lease is kept unless somebody else waits for it. */
  release(): void {
    this.#inUse = false
    if (this.#state !== 'held' || !this.#revoked) return
    this.#state = 'none'
    this.#revoked = false
    this.#socket?.write(Buffer.of(message.release))
  }

  /** Leaves the coordinator; a lease that is held passes on. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#reconnect)
    this.#connecting?.destroy()
    this.#socket?.destroy()
  }

  #receive(byte: number): void {
    if (byte === message.grant) {
      this.#state = 'held'
      this.#wake?.()
      if (!this.#inUse && this.#revoked) this.release()
    } else if (byte === message.revoke) {
      this.#revoked = true
      if (!this.#inUse) this.release()
    } else if (byte === message.queued || byte === message.open) {
      this.#isQueued = byte === message.queued
      if (!this.#isQueued && this.#state === 'held') this.#state = 'none'
    } else if (byte === message.pause) {
      this.#resumeBy = performance.now() + pausePatience
    } else if (byte === message.resume) {
      this.#resume()
    } else if (byte === message.failed) {
      this.#onFailure()
    } else if (byte !== this.#status) {
      this.#status = byte
      const isCheckpointed = byte === message.checkpointing || byte === message.replicating
      this.#onCheckpointing(isCheckpointed ? 'others' : 'nobody')
    }
  }

  #resume(): void {
    this.#resumeBy = undefined
    this.#resumed.resolve()
    this.#resumed = Promise.withResolvers()
  }

  #lose(): void {
    const wasConnected = this.#socket !== undefined
    this.#socket = undefined
    this.#state = 'none'
    this.#isQueued = false
    const wasReplicated = this.#status === message.replicating
    this.#status = undefined
    this.#revoked = false
    this.#resume()
    this.#wake?.()
    if (this.#closed) return
    if (wasConnected) this.#onCheckpointing(wasReplicated ? 'nobody for now' : 'nobody')
    this.#reconnect = setTimeout(() => void this.connect(), reconnectDelay)
    this.#reconnect.unref()
  }
}
