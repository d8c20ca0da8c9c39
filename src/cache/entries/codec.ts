import { deserialize, serialize } from 'node:v8'
import { zstdCompressSync, zstdDecompressSync, constants } from 'node:zlib'
import { describe, OptionsError } from '../../core/index.ts'
import type { Seal } from './seal.ts'
import { isTree } from './tree.ts'

/** How a value is kept. Numbers are written into files: they are only ever added. */
const kinds = { text: 0, number: 1, bytes: 2, buffer: 3, json: 4, clone: 5 } as const
const compressed = 16
const sealed = 32

/** A value as it is kept. */
export interface Encoded {
  readonly kind: number
  readonly value: string | number | Uint8Array
  /** Size of the value, in bytes. */
  readonly bytes: number
}

/** How values are turned into what the file keeps. */
export interface CodecOptions {
  /** The largest value, in bytes before compression. */
  maxValue: number
  /** From which size on values are compressed; `undefined`: never. */
  compressAbove: number | undefined
  seal: Seal | undefined
}

/**
 * Turns values into what the file keeps and back. Texts and numbers stay what they are, bytes too; what JSON keeps exactly is kept as
 * JSON, which is three times as fast as the structured clone that everything else goes through.
 */
export class Codec {
  readonly #options: CodecOptions

  constructor(options: CodecOptions) {
    this.#options = options
  }

  /** Whether values can be counted up by SQL: they cannot when they are encrypted. */
  get isPlain(): boolean {
    return this.#options.seal === undefined
  }

  /**
   * @param key What the value belongs to; an encrypted one can be read under this key only.
   * @throws OptionsError `HANDCAR_CACHE_VALUE`, `HANDCAR_CACHE_VALUE_TOO_LARGE`
   */
  encode(value: unknown, key: string): Encoded {
    let encoded = encodePlain(value)
    const { maxValue, compressAbove, seal } = this.#options
    if (encoded.bytes > maxValue) {
      throw new OptionsError(
        'HANDCAR_CACHE_VALUE_TOO_LARGE',
        `Expected a value of at most ${maxValue} bytes, got one of ${encoded.bytes}`,
      )
    }
    if (compressAbove !== undefined && encoded.bytes > compressAbove) encoded = compress(encoded)
    if (seal === undefined) return encoded
    const value_ = seal.close(bytesOf(encoded.value), key)
    return { kind: encoded.kind | sealed, value: value_, bytes: value_.length }
  }

  /**
   * @throws when the value cannot be read, as when its encryption key is gone
   */
  decode(kind: number, stored: unknown, key: string): unknown {
    let value = stored
    if ((kind & sealed) !== 0) {
      const { seal } = this.#options
      if (seal === undefined) throw new Error('The value is encrypted, and the cache has no keys')
      value = seal.open(stored as Uint8Array, key)
    }
    const isPacked = kind >= compressed
    if ((kind & compressed) !== 0) value = zstdDecompressSync(value as Uint8Array)
    switch (kind & 15) {
      case kinds.text:
        return isPacked ? textOf(value as Uint8Array) : value
      case kinds.number:
        return isPacked ? Number(textOf(value as Uint8Array)) : value
      case kinds.json:
        return JSON.parse(isPacked ? textOf(value as Uint8Array) : (value as string)) as unknown
      case kinds.buffer:
        return Buffer.from(value as Uint8Array)
      case kinds.bytes:
        return Uint8Array.from(value as Uint8Array)
      case kinds.clone:
        return deserialize(value as Uint8Array) as unknown
      default:
        throw new Error(`The value is of a kind that this version does not know: ${kind}`)
    }
  }

  /** Whether what was decoded from a kind can be handed out as it is, copied as a tree, or has to be decoded anew. */
  static handling(kind: number): 'as it is' | 'copy' | 'decode' {
    const inner = kind & 15
    if (inner === kinds.text || inner === kinds.number) return 'as it is'
    return inner === kinds.json ? 'copy' : 'decode'
  }
}

function encodePlain(value: unknown): Encoded {
  if (typeof value === 'string' && value.isWellFormed())
    return { kind: kinds.text, value, bytes: lengthOf(value) }
  if (typeof value === 'number' && Number.isFinite(value) && !Object.is(value, -0))
    return { kind: kinds.number, value, bytes: 8 }
  if (value instanceof Uint8Array) {
    const kind = Buffer.isBuffer(value) ? kinds.buffer : kinds.bytes
    return { kind, value: Uint8Array.from(value), bytes: value.length }
  }
  if (isTree(value)) {
    const json = JSON.stringify(value)
    return { kind: kinds.json, value: json, bytes: lengthOf(json) }
  }
  try {
    const clone = serialize(value)
    return { kind: kinds.clone, value: clone, bytes: clone.length }
  } catch (cause) {
    throw new OptionsError(
      'HANDCAR_CACHE_VALUE',
      `Expected a value that can be cloned, got ${describe(value)}: ${(cause as Error).message}`,
      { cause },
    )
  }
}

/** Bytes of a text as UTF-8. */
const lengthOf = (text: string): number => Buffer.byteLength(text)

const bytesOf = (value: string | number | Uint8Array): Uint8Array =>
  value instanceof Uint8Array ? value : Buffer.from(String(value))

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()

/** The fastest level: a cache is written as often as it is read. */
const level = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

function compress(encoded: Encoded): Encoded {
  const value = zstdCompressSync(bytesOf(encoded.value), level)
  if (value.length >= encoded.bytes) return encoded
  return { kind: encoded.kind | compressed, value, bytes: value.length }
}
