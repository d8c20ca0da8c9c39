import { parseArgs } from 'node:util'
import { nearest } from './nearest.ts'

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'list' }
  | { readonly kind: 'mistake'; readonly message: string }
  | {
      readonly kind: 'run'
      readonly scenarios: readonly string[]
      readonly quick: boolean
      readonly resume: boolean
    }

const options = {
  help: { type: 'boolean', short: 'h', default: false },
  quick: { type: 'boolean', default: false },
  resume: { type: 'boolean', default: false },
} as const

/** Reads the command line against the names of the scenarios that exist. `all` stands for every one of them. */
export function parseCommand(argv: readonly string[], names: readonly string[]): Command {
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const unknownOption = tokens.find((token) => token.kind === 'option' && !(token.name in options))
  if (unknownOption?.kind === 'option') return mistake('option', unknownOption.rawName, optionNames())
  if (values.help) return { kind: 'help' }
  if (positionals.length === 0) return { kind: 'list' }
  const unknownName = positionals.find((name) => name !== 'all' && !names.includes(name))
  if (unknownName !== undefined) return mistake('scenario', unknownName, [...names, 'all'])
  const scenarios = positionals.includes('all') ? [...names] : [...new Set(positionals)]
  return { kind: 'run', scenarios, quick: values.quick === true, resume: values.resume === true }
}

function optionNames(): string[] {
  return Object.keys(options).map((name) => `--${name}`)
}

function mistake(what: string, given: string, candidates: readonly string[]): Command {
  const suggestion = nearest(given, candidates)
  const cure = suggestion ? `Did you mean "${suggestion}"?` : `There are: ${candidates.join(', ')}.`
  return { kind: 'mistake', message: `There is no ${what} "${given}". ${cure}` }
}
