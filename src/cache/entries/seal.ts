import { createCipheriv, createDecipheriv, createHash, randomFillSync } from 'node:crypto'
import { describe, OptionsError } from '../../core/index.ts'

const idLength = 4
const nonceLength = 12
const tagLength = 16

/**
 * AES-256-GCM. A sealed value is the id of its key, a nonce, the tag and the ciphertext; it is bound to the cache key, so that nobody
 * who writes to the file can hand out the value of another key. The first key seals, all of them open: to change the key, put the new
 * one first and drop the old one when what it sealed has expired.
 */
export class Seal {
  readonly #keys = new Map<number, Buffer>()
  readonly #first: Buffer
  readonly #firstId: number
  readonly #nonces = Buffer.alloc(nonceLength * 256)
  #usedNonces = 256

  /** @param keys 32 bytes each. */
  constructor(keys: readonly Buffer[]) {
    for (const key of keys) this.#keys.set(idOf(key), key)
    this.#first = keys[0]!
    this.#firstId = idOf(this.#first)
  }

  close(value: Uint8Array, key: string): Uint8Array {
    const sealed = Buffer.allocUnsafe(idLength + nonceLength + tagLength + value.length)
    sealed.writeUInt32BE(this.#firstId)
    const nonce = this.#nonce()
    nonce.copy(sealed, idLength)
    const cipher = createCipheriv('aes-256-gcm', this.#first, nonce)
    cipher.setAAD(Buffer.from(key))
    cipher.update(value).copy(sealed, idLength + nonceLength + tagLength)
    cipher.final()
    cipher.getAuthTag().copy(sealed, idLength + nonceLength)
    return sealed
  }

  /** Throws when the key is not known, or when the value was changed. */
  open(sealed: Uint8Array, key: string): Uint8Array {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
    const secret = this.#keys.get(bytes.readUInt32BE())
    if (secret === undefined)
      throw new Error('The value was encrypted with a key that the cache does not have')
    const nonce = bytes.subarray(idLength, idLength + nonceLength)
    const tag = bytes.subarray(idLength + nonceLength, idLength + nonceLength + tagLength)
    const decipher = createDecipheriv('aes-256-gcm', secret, nonce)
    decipher.setAAD(Buffer.from(key))
    decipher.setAuthTag(tag)
    const value = decipher.update(bytes.subarray(idLength + nonceLength + tagLength))
    decipher.final()
    return value
  }

  #nonce(): Buffer {
    if (this.#usedNonces === 256) {
      randomFillSync(this.#nonces)
      this.#usedNonces = 0
    }
    const at = this.#usedNonces++ * nonceLength
    return this.#nonces.subarray(at, at + nonceLength)
  }
}

/** Tells keys apart without telling what they are. */
function idOf(key: Buffer): number {
  return createHash('sha256').update('handcar.cache').update(key).digest().readUInt32BE()
}

/** Reads a key: 32 bytes, or their text in hexadecimal or base64. */
export function readSecret(value: unknown, name: string): Buffer {
  let key: Buffer | undefined
  if (value instanceof Uint8Array) key = Buffer.from(value)
  else if (typeof value === 'string')
    key = Buffer.from(value, /^[0-9a-f]{64}$/i.test(value) ? 'hex' : 'base64')
  if (key?.length === 32) return key
  // The value itself is a secret and stays out of the message.
  const got = typeof value === 'string' ? `a text of ${value.length} characters` : describe(value)
  throw new OptionsError(
    'HANDCAR_OPTION_INVALID',
    `${name}: expected 32 bytes, or their text in hexadecimal or base64, got ${got}`,
  )
}
