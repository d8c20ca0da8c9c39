import { createInterface } from 'node:readline'
import type { Database } from '../../database/index.ts'
import type { Output } from '../command.ts'
import { printError } from '../print-error.ts'
import { runDotCommand } from './dot-commands.ts'
import { execute } from './execute.ts'
import { describeChanges, printRows } from './rows.ts'
import { splitStatements } from './statements.ts'

/** What the shell reads from. */
export type ShellInput = NodeJS.ReadableStream & { isTTY?: boolean }

/**
 * A small SQL shell: statements that end with a semicolon, over as many lines as they need, and a few dot commands. At a
 * terminal an error is printed and the shell goes on; in a script the first error ends it.
 *
 * @returns the exit code
 */
export async function runShell(database: Database, output: Output, input: ShellInput): Promise<number> {
  const isTerminal = input.isTTY === true
  const lines = createInterface({ input, ...(isTerminal && { output: process.stdout }), prompt: 'sql> ' })
  let text = ''
  if (isTerminal) lines.prompt()
  for await (const line of lines) {
    if (text === '' && /^\.(?:quit|exit)\b/.test(line)) break
    try {
      text = await runLine(database, output, text, line)
    } catch (error) {
      text = ''
      printError(error, output, false)
      if (!isTerminal) return 1
    }
    lines.setPrompt(text === '' ? 'sql> ' : '...> ')
    if (isTerminal) lines.prompt()
  }
  lines.close()
  return text === '' ? 0 : incomplete(output)
}

/** Runs what is complete; returns what is not. */
async function runLine(database: Database, output: Output, text: string, line: string): Promise<string> {
  if (text === '' && line.startsWith('.')) {
    runDotCommand(line.trim(), database, output)
    return ''
  }
  const { statements, rest } = splitStatements(`${text}${line}\n`)
  for (const statement of statements) {
    const result = await execute(database, statement)
    if ('rows' in result) printRows(result.rows, output)
    else output.line(describeChanges(result.changes))
  }
  return rest && `${rest}\n`
}

function incomplete(output: Output): number {
  output.warn('The last statement has no semicolon at its end; it was not run.')
  return 1
}
