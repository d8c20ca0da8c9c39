import type { ProcessStats } from '../supervisor/index.ts'
import type { Handcar } from './handcar.ts'
import { watchVerification } from './verification.ts'

/**
 * What a process of the app tells at each heartbeat. A database that cannot be read, or is closed already, must not end the process:
 * what is not known is left out, and the log says so once, until it is known again.
 */
export function processStats(handcar: Handcar): () => ProcessStats {
  const failing = new Set<string>()
  const unlessFailing = <Told>(what: string, tell: () => Told): Told | undefined => {
    try {
      const told = tell()
      failing.delete(what)
      return told
    } catch (err) {
      if (!failing.has(what) && handcar.state === 'started')
        handcar.logger.warn({ err, what }, 'What this process does could not be told to the supervisor')
      failing.add(what)
      return undefined
    }
  }
  const lookAtVerification = watchVerification(handcar)
  return () => {
    const { database, jobs, cache, realtime } = handcar
    const queuedWrites = unlessFailing('database', () => database.stats().writes.queued)
    const { here } = jobs
    const longestWait = here && unlessFailing('jobs', () => jobs.longestWait()?.duration ?? 0)
    const verification = unlessFailing('verification', lookAtVerification)
    return {
      ...(queuedWrites !== undefined && { queuedWrites }),
      ...(cache.here && { cache: cache.here }),
      ...(realtime.here && { realtime: realtime.here }),
      ...(here && { jobs: { ...here, longestWait: longestWait ?? 0 } }),
      ...verification,
    }
  }
}
