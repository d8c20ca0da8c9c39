import { formatSize } from '../../core/index.ts'
import { ok, warning, type Check, type Finding } from './finding.ts'
import { fieldOf } from './memory.ts'
import { readSystemFile } from './system-file.ts'

const small = 2 * 1_024 ** 3

/** Whether a peak of memory is survived. */
export const swap: Check = {
  name: 'swap',
  async run() {
    const meminfo = readSystemFile('/proc/meminfo')
    const [total, swap, free] = ['MemTotal', 'SwapTotal', 'SwapFree'].map((name) => fieldOf(meminfo, name))
    if (total === undefined || swap === undefined || free === undefined) return []
    return judgeSwap(total, swap, swap - free)
  },
}

/** Judges by bytes of memory, of swap, and of swap in use. */
export function judgeSwap(memory: number, swap: number, used: number): Finding[] {
  if (swap === 0 && memory < small) {
    return [
      warning({
        what: `${formatSize(memory)} of memory and no swap`,
        why: 'A short peak, such as a reload or `npm ci`, then ends with the kernel killing a process.',
        fix: 'Make 1 GB of swap: fallocate -l 1G /swapfile && chmod 600 /swapfile && mkswap /swapfile && swapon /swapfile',
      }),
    ]
  }
  if (swap > 0 && used > swap / 2) {
    return [
      warning({
        what: `${formatSize(used)} of ${formatSize(swap)} swap are in use`,
        why: 'A page of the app that was swapped out makes a request wait for the disk.',
        fix: 'Find out who needs the memory (`ps aux --sort=-rss`), or take a larger machine.',
      }),
    ]
  }
  return [
    ok(
      swap === 0
        ? `no swap, beside ${formatSize(memory)} of memory`
        : `${formatSize(used)} of ${formatSize(swap)} in use`,
    ),
  ]
}
