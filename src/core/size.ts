/** An amount of bytes: a number, or a text such as `'64kb'`, `'256mb'`, `'2gb'`, counted in steps of 1,024. */
export type Size = number | `${number}${'b' | 'kb' | 'mb' | 'gb'}`

const bytes: Record<string, number> = { b: 1, kb: 1_024, mb: 1_024 ** 2, gb: 1_024 ** 3 }

/** Converts a {@link Size} to bytes; `undefined` when the value is not one. */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 ? value : undefined
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(b|kb|mb|gb)$/i.exec(value) : null
  return match ? Math.floor(Number(match[1]) * bytes[match[2]!.toLowerCase()]!) : undefined
}

/** Writes bytes for people: `14.2 MB`. */
export function formatSize(size: number): string {
  for (const [unit, factor] of Object.entries(bytes).toReversed()) {
    if (size >= factor) return `${Number((size / factor).toFixed(1))} ${unit.toUpperCase()}`
  }
  return `${size} B`
}
