import { createHash } from 'node:crypto'

/** A response as it is kept. */
export interface Page {
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly etag: string
  /** What the response depends on beside the key: the names of headers of the request, and their values when it was made. */
  readonly vary: Readonly<Record<string, string>>
  readonly body: Uint8Array<ArrayBuffer>
}

/** Of one answer only: the next one has its own. */
const notKept = new Set([
  'age',
  'cache-status',
  'cache-tag',
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'server-timing',
  'transfer-encoding',
  'x-request-id',
])

/**
 * Makes the page of a response whose body was read.
 *
 * @param before Headers that others have given the response, and give each answer anew: they are not the page's.
 */
export function pageOf(
  response: Response,
  before: Headers | undefined,
  vary: Readonly<Record<string, string>>,
  body: Uint8Array<ArrayBuffer>,
): Page {
  const headers = [...response.headers].filter(
    ([name, value]) => !notKept.has(name) && (name === 'cache-control' || before?.get(name) !== value),
  )
  return { headers, etag: response.headers.get('etag') ?? tagOf(headers, body), vary, body }
}

/** Weak, because a server may compress the body afterwards. */
function tagOf(headers: Page['headers'], body: Uint8Array): string {
  const hash = createHash('sha256').update(JSON.stringify(headers)).update(body)
  return `W/"${hash.digest('base64url').slice(0, 22)}"`
}

const lengthBytes = 4

/** Puts a page into one piece of bytes, which the cache keeps and hands out as it is. */
export function packPage({ body, ...rest }: Page): Uint8Array {
  const head = Buffer.from(JSON.stringify(rest))
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt32LE(head.length)
  return Buffer.concat([length, head, body])
}

/** Reads what {@link packPage} has made. */
export function unpackPage(packed: Uint8Array<ArrayBuffer>): Page {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const end = lengthBytes + bytes.readUInt32LE()
  const head = JSON.parse(bytes.toString('utf8', lengthBytes, end)) as Omit<Page, 'body'>
  return { ...head, body: packed.subarray(end) }
}
