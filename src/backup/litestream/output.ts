import type { Logger } from '../../core/index.ts'

/** One line that Litestream has written. */
export interface OutputLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  message: string
  /** What else it says: `db`, `replica`, `error`, … */
  fields: Record<string, unknown>
}

/** What an operator wants to see of what it says when all is well; it tells of every file that it sends, twice a second. */
const notable = /new generation|snapshot (?:complete|written)|signal received|restor|validat/i

/**
 * Reads a line: JSON as we have configured it, or whatever it says before it has read its configuration, and when it panics. How severe it
 * is stands in the first `level`; 0.5 may add a second one, the level of a file, which is the one that JSON.parse leaves.
 */
export function parseLine(text: string): OutputLine {
  const read = asObject(text)
  if (read === undefined) return { level: isHarmless(text) ? 'info' : 'error', message: text, fields: {} }
  const { time: _time, msg, ...fields } = read
  if (typeof fields['level'] === 'string') delete fields['level']
  const severity = /"level":"(\w+)"/.exec(text)?.[1]?.toLowerCase()
  const message = typeof msg === 'string' ? msg : text
  if (severity === 'error' || isMismatch(message)) return { level: 'error', message, fields }
  if (severity === 'warn') return { level: 'warn', message, fields }
  return { level: notable.test(message) ? 'info' : 'debug', message, fields }
}

/** A replica that is not what the database is, which some versions call a warning. */
const isMismatch = (message: string): boolean => /mismatch|corrupt/i.test(message)
const isHarmless = (text: string): boolean => text.trim() === '' || /^litestream\s+v?\d/i.test(text)

function asObject(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}

/** What went wrong last, as Litestream has told it. */
export interface LastError {
  /** Milliseconds since 1970. */
  at: number
  message: string
  /** How often the same was told in a row. */
  count: number
}

/** The same error is logged again only after so many milliseconds: an unreachable bucket is told of twice a second. */
const repeatedAfter = 60_000

/** Passes on to the log what Litestream says, and remembers what went wrong last. */
export class OutputLog {
  readonly #logger: Logger
  #loggedAt = -Infinity
  lastError: LastError | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** @param at Milliseconds since 1970. */
  write({ level, message, fields }: OutputLine, at: number): void {
    if (level !== 'error') return this.#logger[level](fields, `Litestream: ${message}`)
    const { error } = fields
    const whole = typeof error === 'string' ? `${message}: ${error}` : message
    const before = this.lastError
    const isSame = before !== undefined && sameIn(before.message) === sameIn(whole)
    this.lastError = { at, message: whole, count: isSame ? before.count + 1 : 1 }
    if (isSame && at - this.#loggedAt < repeatedAfter) return
    this.#loggedAt = at
    this.#logger.error({ ...fields, count: this.lastError.count }, `Litestream: ${message}`)
  }
}

/** Numbers of requests and positions differ each time. */
const sameIn = (message: string): string => message.replaceAll(/[0-9a-f]*\d[0-9a-zA-Z]*/g, '#')
