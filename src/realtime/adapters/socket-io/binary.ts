/**
 * JSON that keeps what socket.io sends as binary: buffers and views come out as buffers, everything else as JSON has it. A key of somebody
 * else that looks like ours gets one more `$`.
 */
const key = '$binary'
const keyLike = /^\$+binary$/

/** Whether there is something binary in a value; socket.io looks for it in the same places. */
export function hasBinary(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (isBinary(value)) return true
  if (Array.isArray(value)) return value.some(hasBinary)
  if ('toJSON' in value && typeof value.toJSON === 'function') return hasBinary(value.toJSON())
  return Object.values(value).some(hasBinary)
}

/** The value as JSON, with what is binary in it. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, function replace(this: Record<string, unknown>, name, plain: unknown) {
    // Buffers have made something of themselves before they are seen here.
    for (const each of [this[name], plain])
      if (typeof each === 'object' && each !== null && isBinary(each))
        return { [key]: toBuffer(each).toString('base64') }
    if (typeof plain !== 'object' || plain === null || !Object.keys(plain).some((each) => keyLike.test(each)))
      return plain
    return Object.fromEntries(
      Object.entries(plain).map(([each, inner]) => [keyLike.test(each) ? `$${each}` : each, inner]),
    )
  })
}

/** The value again. */
export function parse(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const names = Object.keys(value)
    if (!names.some((name) => keyLike.test(name))) return value
    const encoded = (value as Record<string, unknown>)[key]
    if (names.length === 1 && typeof encoded === 'string') return Buffer.from(encoded, 'base64')
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [keyLike.test(name) ? name.slice(1) : name, inner]),
    )
  })
}

function isBinary(value: object): value is ArrayBuffer | ArrayBufferView {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value)
}

function toBuffer(value: ArrayBuffer | ArrayBufferView): Buffer {
  return value instanceof ArrayBuffer
    ? Buffer.from(value)
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
