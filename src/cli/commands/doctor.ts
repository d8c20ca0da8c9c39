import type { Command, CommandContext } from '../command.ts'
import { examine } from '../doctor/context.ts'
import { diagnose, worstOf, type Diagnosis } from '../doctor/diagnose.ts'
import { reportJson, writeReport } from '../doctor/report.ts'

type Options = { json?: true; fix?: true; full?: true }

/** `handcar doctor` */
export const command: Command<Options> = {
  name: 'doctor',
  summary: 'Look for what is wrong with the machine, the disk and the database, or will be',
  description:
    'Looks at Node and SQLite, the disk and its file system, the database, the memory and the limits of the machine. For each finding it says what it is, why it matters and what to do. It may run at any time, beside the app or without it, and changes nothing unless it is told to --fix. Exit code 1 when there is an error.',
  options: [
    { flags: '--json', description: 'print { status, repairs, findings }' },
    { flags: '--fix', description: 'repair what can be repaired without risk, then look again' },
    { flags: '--full', description: 'check the whole database, however large it is' },
  ],
  examples: ['handcar doctor', 'handcar doctor --fix', 'handcar doctor --json --full'],
  async run(context, { json, fix, full = false }) {
    let diagnoses = await lookAt(context, full)
    const repairs = fix ? await repair(diagnoses) : []
    if (repairs.length > 0) diagnoses = await lookAt(context, full)
    if (json) context.output.json(reportJson({ repairs, diagnoses }))
    else writeReport({ repairs, diagnoses }, context.output)
    return worstOf(diagnoses) === 'error' ? 1 : 0
  },
}

async function lookAt(command: CommandContext, isFull: boolean): Promise<Diagnosis[]> {
  const context = await examine(command, isFull)
  using _inspector = context.inspector
  return await diagnose(context)
}

/** Repairs what can be repaired, and tells what was done and what could not be. */
async function repair(diagnoses: readonly Diagnosis[]): Promise<string[]> {
  const repairs: string[] = []
  for (const { canFix, what } of diagnoses) {
    try {
      if (canFix) repairs.push(await canFix())
    } catch (error) {
      repairs.push(`could not repair "${what}": ${String(error)}`)
    }
  }
  return repairs
}
