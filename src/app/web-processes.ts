import { availableParallelism, totalmem } from 'node:os'
import type { EnvironmentName } from './config.ts'

/** What the supervisor takes, and what each process of the app is expected to take, in bytes. */
const supervisorMemory = 120 * 1_024 ** 2
const processMemory = 120 * 1_024 ** 2

/** The machine, as far as it decides how many processes it carries. */
export interface Machine {
  cores: number
  /** Bytes that all processes together may use. */
  memory: number
}

/** This machine, or the part of it that a container or a service may use. */
function thisMachine(): Machine {
  return { cores: availableParallelism(), memory: memoryLimit() ?? totalmem() }
}

/** How many processes serve requests. */
export function webProcesses(
  wanted: number | 'auto',
  runsAs: EnvironmentName,
  machine: () => Machine = thisMachine,
): number {
  if (wanted !== 'auto') return wanted
  if (runsAs === 'development') return 1
  const { cores, memory } = machine()
  return Math.max(1, Math.min(cores, Math.floor((memory - supervisorMemory) / processMemory)))
}

/**
 * The flag of Node that keeps the heap of each of so many processes within the memory limit of the container or service, so
 * that a process collects its garbage before the kernel ends it. `undefined` when there is no limit.
 *
 * @param limit Bytes.
 */
export function heapFlag(processes: number, limit: number | undefined = memoryLimit()): string | undefined {
  if (limit === undefined) return undefined
  // A third of what a process takes is not heap: code, buffers, SQLite's caches.
  const share = ((limit - supervisorMemory / 2) / processes) * (2 / 3)
  return `--max-old-space-size=${Math.max(64, Math.floor(share / 1_024 ** 2))}`
}

/** Bytes that a control group allows; `undefined` when it does not limit them. */
function memoryLimit(): number | undefined {
  const limit = process.constrainedMemory()
  return limit > 0 && limit < totalmem() ? limit : undefined
}
