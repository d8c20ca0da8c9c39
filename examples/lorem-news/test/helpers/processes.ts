import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Tries again, for at most twenty seconds, until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await isSo()); await delay(10)) {
    if (Date.now() > deadline) throw new Error(`Still not so: ${what}`)
  }
}

/** Whether there is such a process. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The web processes of a supervisor. */
export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('web.'))
