/** The unit in which a disk writes: of a longer write any part may survive a power cut. */
const sectorSize = 512

/** Decides, each time it is asked, whether something that was not synced survives. */
export type Survival = () => boolean

type Change = { at: number } & ({ offset: number; data: Buffer } | { size: number })

/** One file: what is on the disk for certain, and what was changed since in the page cache only. */
export class CachedFile {
  #certain: Bytes = new Bytes()
  #uncertain: Change[] = []

  /** Whether everything is on the disk. */
  get isCertain(): boolean {
    return this.#uncertain.length === 0
  }

  write(at: number, offset: number, data: Buffer): void {
    this.#uncertain.push({ at, offset, data })
  }

  truncate(at: number, size: number): void {
    this.#uncertain.push({ at, size })
  }

  /** A sync that began at `begin` has ended: what was changed before it is on the disk. What raced with it is not. */
  synced(begin: number): void {
    for (const change of this.#uncertain) if (change.at < begin) this.#certain.apply(change, () => true)
    this.#uncertain = this.#uncertain.filter((change) => change.at >= begin)
  }

  /** What the disk may hold now: each sector of each uncertain write is there or not, as the system may write pages back in any order. */
  image(survives: Survival): Buffer {
    const bytes = this.#certain.copy()
    for (const change of this.#uncertain) bytes.apply(change, survives)
    return bytes.content
  }
}

/** Bytes that grow when they are written past their end; a gap reads as zeros, as in a file. */
class Bytes {
  #bytes = Buffer.alloc(0)
  #size = 0

  get content(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  copy(): Bytes {
    const copy = new Bytes()
    copy.#bytes = Buffer.from(this.content)
    copy.#size = this.#size
    return copy
  }

  apply(change: Change, survives: Survival): void {
    if ('size' in change) {
      if (survives()) this.#resize(change.size)
      return
    }
    const { offset, data } = change
    for (let from = 0; from < data.length;) {
      const to = Math.min(data.length, from + sectorSize - ((offset + from) % sectorSize))
      if (survives()) this.#put(offset + from, data.subarray(from, to))
      from = to
    }
  }

  #put(offset: number, data: Buffer): void {
    if (offset + data.length > this.#size) this.#resize(offset + data.length)
    data.copy(this.#bytes, offset)
  }

  #resize(size: number): void {
    if (size < this.#size) this.#bytes.fill(0, size, this.#size)
    if (size > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(size, this.#bytes.length * 2))
      this.content.copy(larger)
      this.#bytes = larger
    }
    this.#size = size
  }
}
