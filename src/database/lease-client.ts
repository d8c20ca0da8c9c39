import { connect, type Socket } from 'node:net'
import { longestSilence, message } from './lease.ts'

/** How long to wait before looking for a coordinator again, in milliseconds. */
const reconnectDelay = 1_000
/** How long to wait for a coordinator that does not answer, in milliseconds. */
const connectTimeout = 500

/** One process's side of the write lease. See `lease.ts`. */
export class LeaseClient {
  readonly #path: string
  readonly #onCheckpointing: (isCheckpointing: boolean) => void
  readonly #onFailure: () => void
  #socket: Socket | undefined
  #connecting: Socket | undefined
  #reconnect: NodeJS.Timeout | undefined
  #state: 'none' | 'asked' | 'held' = 'none'
  /** What the coordinator said of its checkpointer, and repeats. */
  #status: number | undefined
  #isQueued = false
  #revoked = false
  #inUse = false
  #closed = false
  #wake: (() => void) | undefined

  /**
   * @param path Path of the coordinator's socket.
   * @param onCheckpointing Told whenever it becomes known whether a coordinator checkpoints this database.
   * @param onFailure Told when the disk did not take what the coordinator checkpointed.
   */
  constructor(
    path: string,
    onCheckpointing: (isCheckpointing: boolean) => void,
    onFailure: () => void = () => {},
  ) {
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
    } else if (byte === message.failed) {
      this.#onFailure()
    } else if (byte !== this.#status) {
      this.#status = byte
      this.#onCheckpointing(byte === message.checkpointing)
    }
  }

  #lose(): void {
    const wasConnected = this.#socket !== undefined
    this.#socket = undefined
    this.#state = 'none'
    this.#isQueued = false
    this.#status = undefined
    this.#revoked = false
    this.#wake?.()
    if (this.#closed) return
    if (wasConnected) this.#onCheckpointing(false)
    this.#reconnect = setTimeout(() => void this.connect(), reconnectDelay)
    this.#reconnect.unref()
  }
}
