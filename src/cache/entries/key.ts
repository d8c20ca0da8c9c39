import { describe, option, OptionsError } from '../../core/index.ts'

/** The longest key, in bytes of UTF-8. */
export const longestKey = 1_024
/** A text that is not longer than this cannot have more bytes than {@link longestKey}. */
const surelyShort = Math.floor(longestKey / 3)

/**
 * Refuses what cannot be a key.
 *
 * @throws OptionsError `HANDCAR_CACHE_KEY`
 */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string' || key === '')
    throw new OptionsError('HANDCAR_CACHE_KEY', `Expected a key that is a text, got ${describe(key)}`)
  if (key.length > surelyShort && Buffer.byteLength(key) > longestKey) {
    throw new OptionsError(
      'HANDCAR_CACHE_KEY',
      `Expected a key of at most ${longestKey} bytes, got one of ${Buffer.byteLength(key)}`,
    )
  }
  if (!key.isWellFormed())
    throw new OptionsError(
      'HANDCAR_CACHE_KEY',
      'Expected a key of whole characters, got half a surrogate pair',
    )
}

/**
 * Refuses what is no list of keys.
 *
 * @throws OptionsError `HANDCAR_CACHE_KEY`, `HANDCAR_OPTION_INVALID`
 */
export function checkKeys(owner: string, keys: unknown): asserts keys is readonly string[] {
  if (!Array.isArray(keys)) throw option.invalidOption(`${owner} keys`, 'a list of keys', keys)
  for (const key of keys as unknown[]) checkKey(key)
}
