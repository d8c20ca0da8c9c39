/**
 * What is sent: a JSON object of a fixed length, so that a client finds its fields without parsing it, and is no bottleneck. Fields are at
 * fixed places from the end of a message, whatever the system puts before it.
 */

/** Of a body, in bytes, unless another one is asked for. */
export const bodyLength = 200

const head = '{"c":"00","n":"00000000","at":"0000000000000000","text":"'
const marker = Buffer.from('{"c":"')
const [channelAt, numberAt, timeAt] = [6, 15, 31]
const [channelDigits, numberDigits, timeDigits] = [2, 8, 16]
const text = 'Some words that people say to each other in a room. '

/** What a message carries: of which channel it is, its number there (from 1), and when it was published. */
export interface Body {
  readonly c: string
  readonly n: string
  readonly at: string
  readonly text: string
}

/** A body; its `at` is now. */
export function bodyOf(channel: number, number: number): Body {
  return {
    c: String(channel).padStart(channelDigits, '0'),
    n: String(number).padStart(numberDigits, '0'),
    at: String(microseconds()).padStart(timeDigits, '0'),
    text: text.repeat(9).slice(0, bodyLength - head.length - 2),
  }
}

/** The monotonic clock of the machine, which all processes share, in microseconds. */
export function microseconds(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e6 + Math.floor(nanoseconds / 1000)
}

/** Where the next body begins in some bytes; -1: nowhere. */
export function findBody(bytes: Buffer, from: number): number {
  return bytes.indexOf(marker, from)
}

/** Whether a body begins there; for messages whose end is known. */
export function isBody(bytes: Buffer, start: number): boolean {
  return start >= 0 && bytes.compare(marker, 0, marker.length, start, start + marker.length) === 0
}

/** The index of the channel. */
export function channelOf(bytes: Buffer, start: number): number {
  return digits(bytes, start + channelAt, channelDigits)
}

/** The number within it. */
export function numberOf(bytes: Buffer, start: number): number {
  return digits(bytes, start + numberAt, numberDigits)
}

/** When it was published, in microseconds. */
export function timeOf(bytes: Buffer, start: number): number {
  return digits(bytes, start + timeAt, timeDigits)
}

function digits(bytes: Buffer, from: number, count: number): number {
  let value = 0
  for (let index = from; index < from + count; index++) value = value * 10 + bytes[index]! - 48
  return value
}
