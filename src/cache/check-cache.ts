import { option } from '../core/index.ts'

/**
 * Refuses what is no cache where one is expected: the argument that was forgotten, or was not made yet.
 *
 * @param method What is needed of it.
 * @throws OptionsError
 */
export function checkCache(owner: string, cache: unknown, method: 'getOrSet' | 'rateLimit'): void {
  if (typeof (cache as Record<string, unknown> | null | undefined)?.[method] === 'function') return
  throw option.invalidOption(`${owner} cache`, 'a Cache', cache)
}
