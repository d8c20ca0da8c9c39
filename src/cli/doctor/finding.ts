import type { DoctorContext } from './context.ts'

/** How serious a finding is. `error`: the app cannot run, or can lose data. */
export type FindingStatus = 'ok' | 'warning' | 'error'

/** One thing that a check found. */
export interface Finding {
  status: FindingStatus
  /** What was found, with numbers. */
  what: string
  /** Why it matters. Absent when all is well. */
  why?: string
  /** What to do about it. Absent when all is well. */
  fix?: string
  /** Repairs it and tells what was done; only where nothing can be lost by it. */
  canFix?: () => Promise<string>
}

/** One question that `handcar doctor` asks. It changes nothing, and answers also when half of the app is missing. */
export interface Check {
  /** One or two words, unique. */
  name: string
  /** An empty list when there is nothing to look at, or the system does not tell. */
  run(context: DoctorContext): Promise<Finding[]>
}

/** What a finding that is not `ok` has to say. */
type Trouble = Required<Pick<Finding, 'what' | 'why' | 'fix'>> & Pick<Finding, 'canFix'>

/** All is well. */
export const ok = (what: string): Finding => ({ status: 'ok', what })
/** It works, but something is risky or slow. */
export const warning = (trouble: Trouble): Finding => ({ status: 'warning', ...trouble })
/** The app cannot run, or can lose data. */
export const error = (trouble: Trouble): Finding => ({ status: 'error', ...trouble })
