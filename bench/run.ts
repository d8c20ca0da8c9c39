import { rmSync } from 'node:fs'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseCommand } from './harness/arguments.ts'
import { describeMachine, describeVersions } from './harness/machine.ts'
import { isFinished, saveResult } from './harness/result.ts'
import type { Result } from './harness/result.ts'
import type { Scenario } from './harness/scenario.ts'
import { rowTables, table, targetTable } from './harness/table.ts'

const usage = `npm run bench -- <scenario …|all> [--quick] [--resume]

Measures handcar against the raw driver and its rivals on this machine, prints a table, and writes
bench/results/<scenario>.json and docs/benchmarks/<scenario>.svg.

  --quick    within a minute, for a look: written to <scenario>.quick.json, which is not committed
  --resume   passes over scenarios whose full result is of the current commit
  --help     this text

Figures are worth something on a quiet machine only. BENCH_FOLDER names a folder on the disk to be measured
(default: the temporary folder).`

const names = (await readdir(new URL('./scenarios', import.meta.url)))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.slice(0, -3))

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const command = parseCommand(process.argv.slice(2), names)
if (command.kind === 'help') console.log(`${usage}\n\n${await list()}`)
else if (command.kind === 'list') console.log(`${await list()}\n\nnpm run bench -- <scenario> [--quick]`)
else if (command.kind === 'mistake') fail(command.message)
else for (const name of command.scenarios) await runUnlessFinished(name, command.quick, command.resume)

async function runUnlessFinished(name: string, quick: boolean, resume: boolean): Promise<void> {
  if (resume && (await isFinished(name, describeVersions().commit!))) {
    console.log(`${name}: finished at this commit already`)
    return
  }
  try {
    await runScenario(name, quick)
  } catch (error) {
    fail(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`)
  }
}

async function runScenario(name: string, quick: boolean): Promise<void> {
  const scenario = await load(name)
  const folder = await mkdtemp(join(process.env.BENCH_FOLDER ?? tmpdir(), `handcar-bench-${name}-`))
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', removeFolder)
  const started = Date.now()
  try {
    const machine = describeMachine(folder)
    const report = (line: string): void => console.log(`  ${elapsed(started)}  ${line}`)
    console.log(`\n${name}: ${scenario.description}\n`)
    const { chart, ...outcome } = await scenario.run({ quick, folder, report })
    const result: Result = {
      scenario: name,
      description: scenario.description,
      date: new Date(started).toISOString(),
      quick,
      seconds: Math.round((Date.now() - started) / 1000),
      machine,
      versions: describeVersions(),
      notes: outcome.notes,
      rows: outcome.rows,
      targets: outcome.targets,
    }
    print(result)
    console.log(`\n${(await saveResult(result, chart)).join('\n')}`)
  } finally {
    removeFolder()
    process.off('exit', removeFolder)
  }
}

function print(result: Result): void {
  const notes = result.notes.map((note) => `· ${note}`).join('\n')
  const parts = [rowTables(result.rows), result.targets.length > 0 && targetTable(result.targets), notes]
  console.log(`\n${parts.filter(Boolean).join('\n\n')}`)
}

async function list(): Promise<string> {
  const lines = []
  for (const name of names) {
    const { description, minutes } = await load(name)
    lines.push([name, `~${minutes} min`, description])
  }
  return table(['scenario', 'full run', 'question'], lines)
}

async function load(name: string): Promise<Scenario> {
  const module = (await import(`./scenarios/${name}.ts`)) as { scenario: Scenario }
  return module.scenario
}

function elapsed(since: number): string {
  const seconds = Math.round((Date.now() - since) / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}
