import type { DoctorContext } from './context.ts'
import { warning, type Check, type Finding, type FindingStatus } from './finding.ts'
import { checkGroups } from './index.ts'

/** A finding, and what asked for it. */
export interface Diagnosis extends Finding {
  group: string
  check: string
}

/** How serious a status is. */
const severity: readonly FindingStatus[] = ['ok', 'warning', 'error']

/** Runs all checks, one after the other, so that none disturbs the measurement of another. */
export async function diagnose(context: DoctorContext): Promise<Diagnosis[]> {
  const diagnoses: Diagnosis[] = []
  for (const { title, checks } of checkGroups) {
    for (const check of checks) {
      const findings = await runCheck(check, context)
      diagnoses.push(...findings.map((finding) => ({ group: title, check: check.name, ...finding })))
    }
  }
  return diagnoses
}

/** The most serious status of all. */
export function worstOf(diagnoses: readonly Diagnosis[]): FindingStatus {
  return severity[Math.max(0, ...diagnoses.map(({ status }) => severity.indexOf(status)))]!
}

/** A check that fails is a finding too: the others still run. */
async function runCheck(check: Check, context: DoctorContext): Promise<Finding[]> {
  try {
    return await check.run(context)
  } catch (cause) {
    return [
      warning({
        what: `this could not be checked: ${cause instanceof Error ? cause.message : String(cause)}`,
        why: 'What the check looks for may be there unnoticed.',
        fix: 'Correct what else is reported and run this again, as the user of the app or as root.',
      }),
    ]
  }
}
