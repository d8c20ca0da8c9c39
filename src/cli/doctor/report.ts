import type { Output } from '../command.ts'
import { worstOf, type Diagnosis } from './diagnose.ts'
import type { FindingStatus } from './finding.ts'

/** What was repaired and what was found (after the repairs). */
export interface Report {
  /** What `--fix` did, or could not do; a sentence each. */
  repairs: readonly string[]
  diagnoses: readonly Diagnosis[]
}

/** Writes a report for people, in groups. */
export function writeReport({ repairs, diagnoses }: Report, output: Output): void {
  const { color } = output
  const paint: Record<FindingStatus, (text: string) => string> = {
    ok: color.green,
    warning: color.yellow,
    error: color.red,
  }
  const width = Math.max(...diagnoses.map(({ check }) => check.length))
  const margin = ' '.repeat(width + 12)
  if (repairs.length > 0) output.line(color.bold('Repairs'))
  for (const repair of repairs) output.line(`  ${repair}`)
  if (repairs.length > 0) output.line()
  for (const [group, findings] of Map.groupBy(diagnoses, (each) => each.group)) {
    output.line(color.bold(group))
    for (const { check, status, what, why, fix } of findings) {
      output.line(`  ${paint[status](status.padEnd(7))} ${check.padEnd(width)}  ${what}`)
      if (why !== undefined) output.line(color.dim(`${margin}${why}`))
      if (fix !== undefined) output.line(`${margin}${fix.replaceAll('\n', `\n${margin}`)}`)
    }
    output.line()
  }
  output.line(summaryOf(diagnoses))
}

/** A report as plain values, for programs. */
export function reportJson({ repairs, diagnoses }: Report) {
  const findings = diagnoses.map(({ canFix, ...finding }) => ({ ...finding, fixable: canFix !== undefined }))
  return { status: worstOf(diagnoses), repairs, findings }
}

function summaryOf(diagnoses: readonly Diagnosis[]): string {
  const count = (status: FindingStatus): number => diagnoses.filter((each) => each.status === status).length
  const [errors, warnings] = [count('error'), count('warning')]
  const fixable = diagnoses.filter(({ canFix }) => canFix).length
  const hint = fixable > 0 ? `; \`handcar doctor --fix\` can repair ${fixable}` : ''
  return `${errors} error${errors === 1 ? '' : 's'}, ${warnings} warning${warnings === 1 ? '' : 's'}, ${count('ok')} in order${hint}`
}
