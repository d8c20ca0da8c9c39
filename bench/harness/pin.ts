import { execFileSync } from 'node:child_process'
import os from 'node:os'

let available: boolean | undefined

/** Whether processes can be pinned to cores here: `taskset` is there and there are at least two cores. */
export function canPin(): boolean {
  available ??= os.availableParallelism() >= 2 && exists('taskset')
  return available
}

/** The command line that runs `argv` on these cores only; unchanged where that is not possible. */
export function pinned(cores: string | undefined, argv: readonly string[]): readonly string[] {
  return cores !== undefined && canPin() ? ['taskset', '-c', cores, ...argv] : argv
}

/** The first core, for a server of one process. */
export const firstCore = '0'

/** The last core, for what makes the load. */
export const lastCore = String(Math.max(0, os.availableParallelism() - 1))

/** Whether a program is on the PATH. */
export function exists(program: string): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
