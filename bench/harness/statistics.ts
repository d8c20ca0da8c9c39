/** The middle value; the mean of the two middle ones when their number is even. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The lowest and the highest value as text: the noise of a measurement, `92–108`. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return '–'
  return `${round(Math.min(...values))}–${round(Math.max(...values))}`
}

/** Rounds to three significant digits, and never away the whole part: 1234.5 → 1235, 0.012345 → 0.0123. */
export function round(value: number): number {
  if (!Number.isFinite(value)) return value
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}

/**
 * Runs every variant once per round (A B C, A B C, …), so that a slow minute of the machine falls on all of
 * them, and returns the measurements of each variant in the order of the rounds.
 */
export async function interleave<Variant, Measurement>(
  rounds: number,
  variants: readonly Variant[],
  measure: (variant: Variant, round: number) => Promise<Measurement>,
): Promise<Map<Variant, Measurement[]>> {
  const measurements = new Map<Variant, Measurement[]>(variants.map((variant) => [variant, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const variant of variants) measurements.get(variant)!.push(await measure(variant, round))
  }
  return measurements
}
