import pino, { type DestinationStream } from 'pino'
import { HandcarError, type Logger } from '../core/index.ts'
import type { LogFormat, LogLevel } from './config.ts'
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
 * Makes a logger that writes to standard output. JSON lines are written in the background, so that a slow reader of the log
 * holds up nobody, and what is left is written when the process exits.
 */
export function createLogger({ level = 'info', format = 'json', process: name }: LoggerOptions = {}): Logger {
  const base = { ...(name === undefined ? {} : { process: name }), pid: process.pid }
  return pino(
    {
      level,
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError, err: describeError },
    },
    format === 'pretty' ? prettyOutput() : jsonOutput(),
  )
}

let shared: DestinationStream | undefined

/** One for the whole process: two would mix their lines. */
function jsonOutput(): DestinationStream {
  if (shared !== undefined) return shared
  const output = pino.destination({ dest: 1, sync: false })
  // Who reads the log may end before us; that is no reason to end too.
  output.on('error', () => {})
  process.once('exit', () => {
    try {
      output.flushSync()
    } catch {
      // Nobody reads any more.
    }
  })
  return (shared = output)
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
