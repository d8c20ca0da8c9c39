import { styleText } from 'node:util'

type Style = (text: string) => string

/** Where a command writes: results to standard output, remarks to standard error. */
export interface Output {
  /** Writes one line to standard output. Default: an empty line. */
  line(text?: string): void
  /** Writes a value as indented JSON to standard output. */
  json(value: unknown): void
  /** Writes one line to standard error, so that it does not mix with a result that is piped on. */
  warn(text: string): void
  /** Whether a person reads standard output. */
  isTerminal: boolean
  /** Colours; each returns its text unchanged when standard output is not a terminal or `NO_COLOR` is set. */
  color: { bold: Style; red: Style; green: Style; yellow: Style; dim: Style }
}

/** Makes the output of this process. */
export function standardOutput(): Output {
  return {
    line: (text = '') => void process.stdout.write(`${text}\n`),
    json: (value) => void process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`),
    warn: (text) => void process.stderr.write(`${text}\n`),
    isTerminal: process.stdout.isTTY,
    color: {
      bold: style('bold'),
      red: style('red'),
      green: style('green'),
      yellow: style('yellow'),
      dim: style('dim'),
    },
  }
}

// styleText() asks the stream and NO_COLOR, NODE_DISABLE_COLORS and FORCE_COLOR whether colours are wanted.
function style(name: 'bold' | 'red' | 'green' | 'yellow' | 'dim'): Style {
  return (text) => styleText(name, text, { stream: process.stdout })
}
