import { CommanderError } from 'commander'
import { nearestName } from '../core/index.ts'
import type { Command, CommandGroup } from './command.ts'
import { findFolder } from './folder.ts'
import { standardOutput } from './output.ts'
import { printError } from './print-error.ts'
import { buildProgram } from './program.ts'
import { commandNames, loadCommand, loadCommands } from './registry.ts'
import { UsageError } from './usage-error.ts'

/**
 * Runs the command line `handcar …` and ends the process: with what the command returns, 1 for a failure, 2 for a command
 * line that cannot be understood.
 *
 * @param words What follows `handcar`.
 */
export async function runCommandLine(words: string[]): Promise<void> {
  process.stdout.on('error', endOfReader)
  process.exit(await exitCodeOf(words, process.env))
}

/** `handcar config | head` closes the pipe before everything is written. */
function endOfReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit()
  throw error
}

async function exitCodeOf(words: string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const output = standardOutput()
  let code = 0
  try {
    const program = buildProgram(await commandsFor(words), async (command, options, values, { folder }) => {
      const context = { folder: findFolder(folder, environment), output, environment }
      code = (await command.run(context, options, ...values)) ?? 0
    })
    if (words.length === 0) {
      program.outputHelp()
      return 2
    }
    await program.parseAsync(words, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    printError(error, output, isVerbose(words, environment))
    return error instanceof UsageError ? 2 : 1
  }
}

const isVerbose = (words: string[], { HANDCAR_DEBUG }: NodeJS.ProcessEnv): boolean =>
  words.includes('--verbose') || HANDCAR_DEBUG === '1'

/** The one command that was asked for, so that no other file is loaded; all of them when help needs their names. */
async function commandsFor(words: string[]): Promise<(Command | CommandGroup)[]> {
  const name = firstOperand(words)
  if (name === undefined || name === 'help') return loadCommands()
  const command = await loadCommand(name)
  if (command) return [command]
  const nearest = nearestName(name, commandNames)
  throw new UsageError(
    `handcar has no command "${name}"`,
    nearest ? `Did you mean "handcar ${nearest}"?` : `Commands: ${commandNames.join(', ')}.`,
  )
}

/** The first word that is neither a global option nor the value of one. */
function firstOperand(words: string[]): string | undefined {
  const index = words.findIndex(
    (word, position) => !word.startsWith('-') && words[position - 1] !== '--folder',
  )
  return words[index]
}
