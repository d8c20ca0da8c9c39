import { Argument, Command as Program, Option } from 'commander'
import { version } from '../core/index.ts'
import type { Command, CommandArgument, CommandGroup, CommandOption } from './command.ts'

/** The options that every command understands, before its name or after it. */
interface GlobalOptions {
  folder?: string
  verbose?: true
}

/** Called with the command that was asked for, its options, the values that follow its name, and the global options. */
export type RunCommand = (
  command: Command,
  options: Record<string, unknown>,
  values: string[],
  globals: GlobalOptions,
) => Promise<void>

/** The global options, for help and for the reference. */
export const globalOptions: CommandOption[] = [
  {
    flags: '--folder <path>',
    description: 'the app (default: the nearest folder upward with a handcar.config.*, else the current one)',
  },
  { flags: '--verbose', description: 'print the stack of an error (or set HANDCAR_DEBUG=1)' },
]

/** Describes commands to commander, which throws a `CommanderError` instead of ending the process. */
export function buildProgram(commands: (Command | CommandGroup)[], run: RunCommand): Program {
  const program = new Program('handcar')
  settle(program)
    .description('One process tree that serves an app on SQLite.')
    .usage('<command> [options]')
    .version(version, '--version', 'print the version of handcar')
    .helpOption('--help', 'explain a command, with examples')
    .addHelpText('after', '\n`handcar <command> --help` explains a command and shows examples.')
  for (const option of globalOptions) program.addOption(toOption(option))
  for (const command of commands) {
    if ('commands' in command) addGroup(program, command, run)
    else addCommand(program, command, (...given) => run(...given, program.opts()))
  }
  return program
}

type RunWithoutGlobals = (
  command: Command,
  options: Record<string, unknown>,
  values: string[],
) => Promise<void>

function addGroup(program: Program, group: CommandGroup, run: RunCommand): void {
  const described = describeCommand(program, group).usage('<command> [options]')
  for (const command of group.commands) {
    addCommand(described, command, (...given) => run(...given, program.opts()))
  }
}

function describeCommand(program: Program, command: Command | CommandGroup): Program {
  return settle(program.command(command.name))
    .summary(command.summary)
    .description(joinLines(command.description ?? `${command.summary}.`))
    .helpOption('--help', 'explain this command')
    .addHelpText('after', `\nExamples:\n${command.examples.map((example) => `  ${example}`).join('\n')}`)
}

function addCommand(program: Program, command: Command, run: RunWithoutGlobals): void {
  const described = describeCommand(program, command).action((...given: unknown[]) => {
    const values = given.slice(0, -2).flat() as string[]
    return run(command, given.at(-2) as Record<string, unknown>, values)
  })
  for (const argument of command.arguments ?? []) described.addArgument(toArgument(argument))
  for (const option of command.options ?? []) described.addOption(toOption(option))
}

function settle(program: Program): Program {
  return program
    .exitOverride()
    .allowExcessArguments(false)
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for an explanation and examples)')
    .configureHelp({ showGlobalOptions: true })
}

/** Commander breaks lines where the terminal ends; only blank lines and indented ones are meant. */
const joinLines = (text: string): string => text.replaceAll(/(\S)\n(?=\S)/g, '$1 ')

const toArgument = ({ name, description, optional }: CommandArgument): Argument =>
  new Argument(optional ? `[${name}]` : `<${name}>`, description)

function toOption({ flags, description, choices, required, repeatable }: CommandOption): Option {
  const option = new Option(flags, description)
  if (repeatable) option.argParser((value, before: string[] | undefined) => [...(before ?? []), value])
  if (choices) option.choices(choices)
  return option.makeOptionMandatory(required ?? false)
}
