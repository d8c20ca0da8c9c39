import { formatSize, OptionsError, writeJson } from '../../core/index.ts'

/**
 * Writes a value as JSON, and refuses what JSON would lose without a word.
 *
 * @param owner What the value is, for the message: `payload of job "mail"`.
 * @param longest Size limit in bytes.
 * @throws OptionsError `HANDCAR_JOB_PAYLOAD`, naming the path
 */
export function encode(value: unknown, owner: string, longest: number): string {
  const written = writeJson(value)
  if (written.problem !== undefined)
    throw new OptionsError('HANDCAR_JOB_PAYLOAD', `The ${owner} is ${written.problem}`)
  const { text } = written
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (text.length * 3 > longest && Buffer.byteLength(text) > longest) {
    const size = formatSize(Buffer.byteLength(text))
    throw new OptionsError(
      'HANDCAR_JOB_PAYLOAD',
      `The ${owner} has ${size}, more than ${formatSize(longest)}`,
      {
        fix: 'Store the data in a table or a file and put its id into the payload, or raise maxPayload.',
      },
    )
  }
  return text
}
