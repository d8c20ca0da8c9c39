import { matching, type OptionReader } from './options.ts'

/** Writes one line of a log: plain fields first, then the sentence, as pino does. */
export type LogLine = (fields: Record<string, unknown>, message: string) => void

/** Where handcar logs to. A pino logger fits as it is. */
export interface Logger {
  debug: LogLine
  info: LogLine
  warn: LogLine
  error: LogLine
}

const silent: LogLine = () => {}

/** The default logger: warnings and errors as one line each on standard error, nothing else. */
export const standardLogger: Logger = {
  debug: silent,
  info: silent,
  warn: (fields, message) => writeLine('warn', fields, message),
  error: (fields, message) => writeLine('error', fields, message),
}

function writeLine(level: string, fields: Record<string, unknown>, message: string): void {
  process.stderr.write(`handcar ${level}: ${message} ${JSON.stringify(fields, errorsAsText)}\n`)
}

/** An error has no fields that JSON would show. */
function errorsAsText(_key: string, value: unknown): unknown {
  return value instanceof Error ? String(value) : value
}

/** Reads the option `logger`. Default: {@link standardLogger}. */
export const logger: OptionReader<Logger> = (value, name) =>
  value === undefined
    ? standardLogger
    : matching('an object with debug, info, warn and error', isLogger)(value, name)

function isLogger(value: unknown): value is Logger {
  const candidate = value as Logger | null
  return (['debug', 'info', 'warn', 'error'] as const).every(
    (level) => typeof candidate?.[level] === 'function',
  )
}
