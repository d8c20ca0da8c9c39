import { formatSize } from '../../core/index.ts'
import { ok, warning, type Check, type Finding } from './finding.ts'
import { readSystemFile } from './system-file.ts'

const perProcess = 60 * 1_024 ** 2

/** Memory for a reload, which needs every process twice for some seconds. */
export const memory: Check = {
  name: 'memory',
  async run({ processes, running }) {
    const free = freeMemory()
    // A running app has its memory already; one that is to be started also needs a supervisor.
    const needed = processes + (running === undefined ? 1 : 0)
    return free === undefined ? [] : judgeMemory(free, needed)
  },
}

/** Judges free bytes by the number of processes that must fit into them. */
export function judgeMemory(free: number, processes: number): Finding[] {
  const needed = processes * perProcess
  if (free >= needed)
    return [ok(`${formatSize(free)} are free; ${processes} new processes need ${formatSize(needed)}`)]
  return [
    warning({
      what: `${formatSize(free)} are free; ${processes} new processes need ${formatSize(needed)}`,
      why: 'A reload starts all new processes before it ends the old ones: without that memory the kernel kills one of them.',
      fix: 'Run fewer processes (WEB_CONCURRENCY), stop other programs, or take a larger machine.',
    }),
  ]
}

/** What this machine, or this container, has left. */
function freeMemory(): number | undefined {
  const machine = fieldOf(readSystemFile('/proc/meminfo'), 'MemAvailable')
  const limit = Number(readSystemFile('/sys/fs/cgroup/memory.max'))
  const used = Number(readSystemFile('/sys/fs/cgroup/memory.current'))
  const container = Number.isFinite(limit) && limit > 0 && Number.isFinite(used) ? limit - used : Infinity
  return machine === undefined ? undefined : Math.min(machine, Math.max(0, container))
}

/** Reads `MemAvailable:  12345 kB`, in bytes. */
export function fieldOf(meminfo: string | undefined, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo ?? '')
  return match ? Number(match[1]) * 1_024 : undefined
}
