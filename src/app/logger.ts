import pino, { type DestinationStream } from 'pino'
import { HandcarError, type Logger } from '../core/index.ts'
import type { LogFormat, LogLevel } from './config.ts'
import { LogOutput } from './log-output.ts'
import { prettyLine, type LogRecord } from './pretty-line.ts'

/** How a logger writes. */
export interface LoggerOptions {
  /** The least severe lines that are written. Default: `'info'` */
  level?: LogLevel
  /** One JSON object a line, or lines for people. Default: `'json'` */
  format?: LogFormat
  /** Name of the process, in every line. Default: none. */
  process?: string
}

/**
 * Makes a logger that writes to standard output; JSON lines in the background, see {@link LogOutput}.
 */
export function createLogger({ level = 'info', format = 'json', process: name }: LoggerOptions = {}): Logger {
  const base = { ...(name === undefined ? {} : { process: name }), pid: process.pid }
  return pino(
    {
      level,
      base,
      timestamp,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError, err: describeError },
    },
    format === 'pretty' ? prettyOutput() : jsonOutput(),
  )
}

let shared: DestinationStream | undefined

/** One for the whole process: two would mix their lines. */
function jsonOutput(): DestinationStream {
  return (shared ??= new LogOutput(1))
}

let formattedAt = 0
let formatted = ''

/** The time of a line, made once for all lines of a millisecond. */
function timestamp(): string {
  const now = Date.now()
  if (now !== formattedAt) formatted = `,"time":"${new Date(now).toISOString()}"`
  formattedAt = now
  return formatted
}

let isForgiving = false

function prettyOutput(): DestinationStream {
  if (!isForgiving) process.stdout.on('error', () => {})
  isForgiving = true
  return { write: (line) => void process.stdout.write(prettyLine(JSON.parse(line) as LogRecord)) }
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { name, message, stack, cause } = error
  const known = error instanceof HandcarError ? { code: error.code, fix: error.fix } : {}
  const code = (error as { code?: unknown }).code
  return {
    name,
    message,
    ...(code === undefined ? {} : { code }),
    ...known,
    stack,
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
  }
}
