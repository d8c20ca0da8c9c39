import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Result } from './result.ts'
import type { Target } from './targets.ts'

const introduction = `# Benchmarks

What each fault of the usual way costs, what its cure brings, and what handcar costs itself. This page is written from
\`bench/results\` after each full run; how to run, read and add a scenario is in [bench/README.md](../bench/README.md).

Compare within one table only: ratios hold from machine to machine, absolute figures do not. The machine is small and shared; the
last column tells the lowest and highest round where there were several.
`

/** The page `docs/benchmarks.md`, made of the full results in a folder. */
export async function benchmarksPage(resultsFolder: string): Promise<string> {
  const files = (await readdir(resultsFolder)).filter((file) => /^[^.]+\.json$/.test(file)).sort()
  const results = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(resultsFolder, file), 'utf8')) as Result),
  )
  return [introduction, ...results.map(section)].join('\n')
}

function section({ scenario, description, date, machine, versions, notes, targets }: Result): string {
  return `## ${scenario}

${description}

![Chart of ${scenario}](benchmarks/${scenario}.svg)

${targets.length > 0 ? targetTable(targets) : ''}${notes.map((note) => `- ${note}`).join('\n')}
- ${date.slice(0, 10)}, ${machine.cores} cores (${machine.cpu}), Node ${versions.node}, SQLite ${versions.sqlite}
`
}

function targetTable(targets: readonly Target[]): string {
  return `| | promised | measured | min–max, or why not |
|---|---|---|---|
${targets.map(line).join('\n')}

`
}

function line({ name, target, value, met, note }: Target): string {
  const mark = met === null ? 'not measured' : met ? '' : ' **missed**'
  const measured = value === null ? '' : value.toLocaleString('en', { maximumFractionDigits: 3 })
  return `| ${name} | ${target} | ${measured}${mark} | ${note ?? ''} |`
}
