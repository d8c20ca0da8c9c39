import { option } from '../../core/index.ts'

/**
 * The keys and values that `setMany` was given, which are not checked yet.
 *
 * @throws OptionsError `HANDCAR_OPTION_INVALID`
 */
export function pairsOf(entries: unknown): Iterable<readonly [unknown, unknown]> {
  if (typeof entries !== 'object' || entries === null)
    throw option.invalidOption('cache.setMany entries', 'an object, a Map, or a list of pairs', entries)
  if (!(Symbol.iterator in entries)) return Object.entries(entries)
  const pairs = [...(entries as Iterable<readonly [unknown, unknown]>)]
  const wrong = pairs.findIndex((pair) => !Array.isArray(pair))
  if (wrong < 0) return pairs
  throw option.invalidOption(`cache.setMany entries[${wrong}]`, 'a key and a value', pairs[wrong])
}
