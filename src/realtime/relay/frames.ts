/**
 * The frames of the relay: bytes on a unix socket between processes of one release or of two that follow each other.
 *
 *     length (4 bytes, of what follows) · kind (1) · length of the topic (2) · topic · payload      message
 *     length (4)                        · kind (1) · count (4)                                       count, gone
 *
 * A frame is whole or not there; one that is too long, or of no known kind, ends the connection that it came from.
 */
export const kind = {
  /** A message, from a process to all others. */
  message: 1,
  /** From the hub: how many other processes are connected. The first frame of a connection, and repeated as a heartbeat. */
  count: 2,
  /** From the hub: a process has gone, and so many others are connected now. */
  gone: 3,
} as const

/** What a payload may have, in bytes: a message of 64 kB, and what is said about it. */
export const longestPayload = 65_536 + 2_048
/** What a topic may have, in bytes. */
export const longestTopic = 1_024

const lengthBytes = 4
const messageHeader = lengthBytes + 3
const longestFrame = messageHeader - lengthBytes + longestTopic + longestPayload

/** A frame as it was read. */
export type Frame = { kind: typeof kind.message; topic: string; payload: () => string } | CountFrame

/** What the hub says of the others. */
export interface CountFrame {
  kind: typeof kind.count | typeof kind.gone
  peers: number
}

/** Whether a message is short enough to be sent. */
export function fits(topic: string, payload: string): boolean {
  return Buffer.byteLength(topic) <= longestTopic && Buffer.byteLength(payload) <= longestPayload
}

/** A message that fits, as bytes. */
export function encodeMessage(topic: string, payload: string): Buffer {
  const topicBytes = Buffer.byteLength(topic)
  const payloadBytes = Buffer.byteLength(payload)
  const frame = Buffer.allocUnsafe(messageHeader + topicBytes + payloadBytes)
  frame.writeUInt32BE(frame.length - lengthBytes, 0)
  frame.writeUInt8(kind.message, lengthBytes)
  frame.writeUInt16BE(topicBytes, lengthBytes + 1)
  frame.write(topic, messageHeader)
  frame.write(payload, messageHeader + topicBytes)
  return frame
}

/** What the hub says, as bytes. */
export function encodeCount(which: CountFrame['kind'], peers: number): Buffer {
  const frame = Buffer.allocUnsafe(lengthBytes + 5)
  frame.writeUInt32BE(5, 0)
  frame.writeUInt8(which, lengthBytes)
  frame.writeUInt32BE(peers, lengthBytes + 1)
  return frame
}

/** Cuts what comes from a socket into runs of whole frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  /**
   * The whole frames that there are now, as they came: a run can be handed on without taking it apart.
   *
   * @throws RangeError when a frame is longer than any that is sent
   */
  push(bytes: Buffer): Buffer {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    let end = 0
    while (all.length - end >= lengthBytes) {
      const length = all.readUInt32BE(end)
      if (length < 1 || length > longestFrame) throw new RangeError(`A frame of ${length} bytes`)
      if (all.length - end < lengthBytes + length) break
      end += lengthBytes + length
    }
    this.#rest = all.subarray(end)
    return all.subarray(0, end)
  }
}

/**
 * The frames of a run.
 *
 * @throws RangeError when one is not of this protocol
 */
export function* framesOf(run: Buffer): Generator<Frame, void, void> {
  for (let at = 0; at < run.length;) {
    const end = at + lengthBytes + run.readUInt32BE(at)
    yield readFrame(run.subarray(at, end))
    at = end
  }
}

function readFrame(frame: Buffer): Frame {
  const which = frame.readUInt8(lengthBytes)
  if (which === kind.message) {
    const payloadAt = messageHeader + frame.readUInt16BE(lengthBytes + 1)
    if (payloadAt > frame.length) throw new RangeError('A topic longer than its frame')
    const topic = frame.toString('utf8', messageHeader, payloadAt)
    return { kind: which, topic, payload: () => frame.toString('utf8', payloadAt) }
  }
  if ((which === kind.count || which === kind.gone) && frame.length === lengthBytes + 5)
    return { kind: which, peers: frame.readUInt32BE(lengthBytes + 1) }
  throw new RangeError(`A frame of kind ${which}`)
}
