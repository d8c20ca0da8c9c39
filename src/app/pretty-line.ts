import { inspect, styleText } from 'node:util'

/** One line of the log, as an object. */
export type LogRecord = Record<string, unknown> & {
  level: string
  time: string
  msg?: string
  process?: string
}

type Style = Parameters<typeof styleText>[0]

const levelStyles: Record<string, Style> = { debug: 'dim', info: 'green', warn: 'yellow', error: 'red' }

/** Writes a line of the log for people. Colours are left out where standard output does not show them. */
export function prettyLine({ level, time, msg = '', process: name, ...fields }: LogRecord): string {
  const head = [
    styleText('dim', time.slice(11, 23)),
    styleText(levelStyles[level] ?? 'reset', level.padEnd(5)),
    ...(name === undefined ? [] : [styleText('cyan', name)]),
  ]
  const request = requestOf(fields)
  if (request !== undefined) return `${[...head, request].join(' ')}\n`
  const { pid: _pid, error, err = error, ...rest } = fields
  const values = Object.entries(rest).map(([key, value]) => styleText('dim', `${key}=${show(value)}`))
  return `${[...head, msg, ...values].join(' ')}\n${describe(err)}`
}

/** The line of the access log: `GET /posts/1 200 3 ms`. */
function requestOf({ method, path, status, duration }: Record<string, unknown>): string | undefined {
  if (typeof method !== 'string' || typeof path !== 'string' || typeof status !== 'number') return undefined
  const style: Style = status >= 500 ? 'red' : status >= 400 ? 'yellow' : 'green'
  const time = typeof duration === 'number' ? ` ${Number(duration.toPrecision(2))} ms` : ''
  return `${method} ${path} ${styleText(style, String(status))}${styleText('dim', time)}`
}

function describe(error: unknown): string {
  if (error === undefined) return ''
  const { stack, message, fix } = error as { stack?: string; message?: string; fix?: string }
  const text = stack ?? message ?? show(error)
  return `${[text, ...(fix === undefined ? [] : [fix])].join('\n').replaceAll(/^/gm, '  ')}\n`
}

const show = (value: unknown): string =>
  typeof value === 'string' && /^\S+$/.test(value)
    ? value
    : inspect(value, { breakLength: Infinity, depth: 4 })
