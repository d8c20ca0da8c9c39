/** A span of time: a number of milliseconds, or a text such as `'250ms'`, `'5s'`, `'10m'`, `'2h'`, `'7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const milliseconds: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Converts a {@link Duration} to milliseconds; `undefined` when the value is not one. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null
  return match ? Number(match[1]) * milliseconds[match[2]!]! : undefined
}

/** The longest time that a timer of Node's can wait, in milliseconds (24.8 days); a longer one would fire at once. */
export const longestTimer = 2 ** 31 - 1
