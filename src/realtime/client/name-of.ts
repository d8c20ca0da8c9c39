/**
 * The name of a channel, as the server makes it: each parameter percent-encoded in its place.
 *
 * @throws TypeError when one is missing
 */
export function nameOf(pattern: string, params: Record<string, unknown>): string {
  return pattern
    .split('/')
    .map((word) => {
      if (!word.startsWith(':')) return word
      const value = params[word.slice(1)] ?? ''
      if (value === '') throw new TypeError(`${pattern}: no ${word}`)
      return encodeURIComponent(value as string)
    })
    .join('/')
}
