import { writeFileSync } from 'node:fs'
import type { Command, CommandGroup } from '../src/cli/command.ts'
import { globalOptions } from '../src/cli/program.ts'
import { loadCommands } from '../src/cli/registry.ts'

/** Path of the page that this script writes. */
export const commandsReferencePath = new URL('../docs/reference/commands.md', import.meta.url)

/** The page about all commands, made from the files in `src/cli/commands/`. */
export async function commandsReference(): Promise<string> {
  return [introduction, ...(await loadCommands()).flatMap(sectionsOf)].join('\n')
}

const introduction = `# Commands

\`handcar <command> --help\` says the same as this page. The exit code is 0 when it worked, 1 when it failed, 2 when the command line
could not be understood. Colours are left out when the output is no terminal, or \`NO_COLOR\` is set.

Every command understands:

${globalOptions.map(({ flags, description }) => `- \`${flags}\`: ${description}`).join('\n')}

This page is generated from \`src/cli/commands/\` by \`node scripts/commands-reference.ts\`.
`

function sectionsOf(command: Command | CommandGroup): string[] {
  if (!('commands' in command)) return [sectionOf(command, `## handcar ${command.name}`)]
  const { name, commands, ...rest } = command
  const all = commands.map((each) => sectionOf(each, `### handcar ${name} ${each.name}`))
  return [sectionOf(rest, `## handcar ${name}`), ...all]
}

function sectionOf(command: Omit<Command, 'name' | 'run'>, title: string): string {
  const { summary, description = `${summary}.`, arguments: values = [], options = [], examples } = command
  const usage = values.map((value) => (value.optional ? ` [${value.name}]` : ` <${value.name}>`)).join('')
  const list = [...values.map(({ name, description }) => ({ flags: name, description })), ...options]
  return [
    `${title}${usage}`,
    `${summary}.`,
    ...(description === `${summary}.` ? [] : [asMarkdown(description)]),
    ...(list.length === 0
      ? []
      : [list.map(({ flags, description }) => `- \`${flags}\`: ${description}`).join('\n')]),
    `\`\`\`sh\n${examples.join('\n')}\n\`\`\`\n`,
  ].join('\n\n')
}

/** Indented lines are meant as they stand. */
const asMarkdown = (text: string): string =>
  text.replaceAll(/(?:^ {2}.*(?:\n|$))+/gm, (lines) => `\`\`\`text\n${lines.trimEnd()}\n\`\`\`\n`).trimEnd()

if (import.meta.main) writeFileSync(commandsReferencePath, await commandsReference())
