import type { Logger, LogLine } from '../../src/core/index.ts'

/** One line that was logged. */
export interface Logged {
  level: keyof Logger
  fields: Record<string, unknown>
  message: string
}

/** A logger that keeps its lines for the test to look at. */
export interface RecordingLogger extends Logger {
  readonly lines: Logged[]
}

/** Makes a logger that prints nothing and keeps everything. */
export function recordingLogger(): RecordingLogger {
  const lines: Logged[] = []
  const record =
    (level: keyof Logger): LogLine =>
    (fields, message) =>
      void lines.push({ level, fields, message })
  return { lines, debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') }
}
