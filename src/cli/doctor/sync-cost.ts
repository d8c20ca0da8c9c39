import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { ok, warning, type Check, type Finding } from './finding.ts'
import { isOpenFolder } from './system-file.ts'

const times = 20
/** Milliseconds. */
const slow = 20

/** What it costs to bring a commit to the disk: the median of twenty small writes with a sync each. */
export const syncCost: Check = {
  name: 'sync cost',
  async run({ dataFolder }) {
    if (!isOpenFolder(dataFolder)) return []
    const durations = measure(dataFolder).sort((a, b) => a - b)
    return judgeSync(durations[times / 2]!, durations.at(-1)!)
  },
}

/** Judges the median and the longest duration of a sync, in milliseconds. */
export function judgeSync(median: number, longest: number): Finding[] {
  const what = `a sync takes ${median.toFixed(2)} ms (median of ${times}; the longest took ${longest.toFixed(2)} ms)`
  if (median <= slow) return [ok(what)]
  return [
    warning({
      what,
      why: `A write is acknowledged when it is on the disk, so each takes at least that long. Writes that come together share one sync: it is a matter of latency, not of throughput.`,
      fix: 'Use a local SSD. Where a power cut may cost the last moments, `durability: "os"` waits for no sync.',
    }),
  ]
}

function measure(folder: string): number[] {
  const scratch = mkdtempSync(join(folder, '.handcar-probe-'))
  try {
    const descriptor = openSync(join(scratch, 'sync'), 'w')
    try {
      const page = Buffer.alloc(4_096)
      return Array.from({ length: times }, () => {
        writeSync(descriptor, page)
        const startedAt = performance.now()
        fdatasyncSync(descriptor)
        return performance.now() - startedAt
      })
    } finally {
      closeSync(descriptor)
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
