/**
 * HalfSipHash-1-3 (Aumasson and Bernstein, https://www.aumasson.jp/siphash/siphash.pdf) over UTF-16, in the integers that
 * JavaScript has: some 60 ns for a key. It is keyed with the seed of the file, so that nobody can choose keys that collide. Of its 64
 * bits 53 are taken: a number then needs no bigint, and a million entries meet one another with a chance of 1 in 18,000, after
 * which the later one wins.
 */
export interface HashState {
  readonly v0: number
  readonly v1: number
  readonly v2: number
  readonly v3: number
}

/** The state that everything hashed with a seed begins with. */
export function seedState(low: number, high: number): HashState {
  return { v0: low | 0, v1: high ^ 0xee, v2: 0x6c796765 ^ low, v3: 0x74656462 ^ high }
}

/** The state of another seed, derived from two texts: keys of one space are told apart from those of all others. */
export function deriveState(state: HashState, name: string, generation: string): HashState {
  const first = hash(state, `${name}\0${generation}`)
  const second = hash(state, `${generation}\0${name}`)
  return seedState((first % 4_294_967_296) | 0, (second % 4_294_967_296) | 0)
}

/** A whole number below 2^53. */
export function hash(state: HashState, text: string): number {
  let { v0, v1, v2, v3 } = state
  const { length } = text
  const even = length & ~1
  for (let index = 0; index <= even; index += 2) {
    const word =
      index < even
        ? text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16)
        : (length << 24) | (length & 1 ? text.charCodeAt(even) : 0)
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  v2 ^= 0xee
  let low = 0
  for (let round = 0; round < 6; round++) {
    if (round === 3) {
      low = v1 ^ v3
      v1 ^= 0xdd
    }
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
  }
  return ((v1 ^ v3) & 0x1fffff) * 4_294_967_296 + (low >>> 0)
}
