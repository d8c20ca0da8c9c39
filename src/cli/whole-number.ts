import { UsageError } from './usage-error.ts'

/**
 * Checks the value of an option that is a whole number, and returns it as it was written.
 *
 * @throws UsageError
 */
export function readWholeNumber(
  option: string,
  text: string,
  { min, max }: { min: number; max: number },
): string {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= min && number <= max) return text
  throw new UsageError(
    `${option}: expected a whole number from ${min} to ${max}, got "${text}"`,
    'Correct the number.',
  )
}
