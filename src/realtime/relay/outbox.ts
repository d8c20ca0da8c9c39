/** So much is written at once, in bytes. */
const mostTogether = 65_536

/** Collects the frames of one turn of the event loop, so that they cost one write to the socket. */
export class Outbox {
  readonly #write: (frames: Buffer, count: number) => void
  #frames: Buffer[] = []
  #bytes = 0

  /** @param write Takes whole frames, and how many they are. */
  constructor(write: (frames: Buffer, count: number) => void) {
    this.#write = write
  }

  add(frame: Buffer): void {
    if (this.#frames.length === 0) queueMicrotask(() => this.flush())
    this.#frames.push(frame)
    this.#bytes += frame.length
    if (this.#bytes >= mostTogether) this.flush()
  }

  /** Writes what there is, now. */
  flush(): void {
    const frames = this.#frames
    if (frames.length === 0) return
    this.#frames = []
    this.#bytes = 0
    this.#write(frames.length === 1 ? frames[0]! : Buffer.concat(frames), frames.length)
  }
}
