import type { VerifiedReplica } from './verification.ts'

/** How much later than it should have been a verification may be, as a factor. */
const patience = 2
/** On top of that, in milliseconds: it begins a while after its time, and takes a while. */
const grace = 2 * 3_600_000

/**
 * Says what is to be worried about, if anything: a replica that is not what the database is, or of which it has not been known for too long.
 *
 * @param every How often they are verified, in milliseconds.
 * @param now Milliseconds since 1970.
 */
export function judgeVerifications(
  found: readonly VerifiedReplica[],
  { every, now }: { every: number; now: number },
): string | undefined {
  for (const { last, lastConclusive, lastVerified } of found) {
    const { address } = last
    if (lastConclusive?.verdict === 'failed')
      return `The backup in ${address} cannot be relied upon, as was found at ${timeOf(lastConclusive.beganAt)}: ${lastConclusive.reason}`
    if (lastVerified === undefined)
      return `The backup in ${address} could not be verified yet: ${last.reason}`
    if (now - lastVerified.beganAt > every * patience + Math.min(grace, every))
      return `The backup in ${address} was verified for the last time at ${timeOf(lastVerified.beganAt)}${why(last.reason)}`
  }
  return undefined
}

const why = (reason: string | null): string => (reason === null ? '' : `: ${reason}`)

const timeOf = (time: number): string => `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
