import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { formatSize } from '../../core/index.ts'
import type { TreeStatus } from '../../supervisor/index.ts'
import { ok, warning, type Check, type Finding } from './finding.ts'
import { statOf } from './system-file.ts'

/** Whether the app can use its cache, and has had to begin it anew. A cache is never more than a warning. */
export const cacheFile: Check = {
  name: 'cache',
  async run({ cachePath: path, databasePath, running }) {
    const troubles = [
      ...judgeOwner(path, statOf(path)?.uid, statOf(databasePath)?.uid),
      ...judgeProcesses(running),
      ...setAside(path).map(judgeSetAside),
    ]
    if (troubles.length > 0) return troubles
    const bytes = ['', '-wal'].reduce((sum, ending) => sum + (statOf(path + ending)?.size ?? 0), 0)
    return [ok(statOf(path) === undefined ? 'there is no cache yet' : `the cache takes ${formatSize(bytes)}`)]
  },
}

function judgeOwner(path: string, owner: number | undefined, wanted: number | undefined): Finding[] {
  if (owner === undefined || wanted === undefined || owner === wanted) return []
  return [
    warning({
      what: `${path} belongs to user ${owner}, the database to user ${wanted}`,
      why: 'The app may not be able to write its cache, and works without one.',
      fix: `chown ${wanted} ${path}*`,
    }),
  ]
}

function judgeProcesses(running: TreeStatus | undefined): Finding[] {
  const without = (running?.processes ?? []).filter(({ stats }) => stats.cache?.isOn === false)
  if (without.length === 0) return []
  return [
    warning({
      what: `the cache cannot be used in ${without.map(({ name }) => name).join(', ')}`,
      why: 'Everything is made anew each time it is asked for: the app is slower, and not wrong.',
      fix: 'The log says why ("the cache could not do its work"). It is tried again by itself; a full disk is the most frequent cause.',
    }),
  ]
}

function setAside(path: string): string[] {
  try {
    const prefix = `${basename(path)}.corrupt-`
    const names = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix))
    return names.filter((name) => !/-(?:wal|shm)$/.test(name)).map((name) => join(dirname(path), name))
  } catch {
    return []
  }
}

function judgeSetAside(path: string): Finding {
  return warning({
    what: `a damaged cache was set aside: ${path}`,
    why: 'The app has begun a new one, and nothing is lost. But what damages one file of a disk may damage the database next.',
    fix: `Look for I/O errors with \`dmesg\`, and at the check "integrity". Then: rm ${path}*`,
  })
}
