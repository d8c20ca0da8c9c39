import { readNumbers, type Policy, type Verdict } from './policy.ts'

/** Sums of fractions miss whole numbers by a little. */
const tolerance = 1e-9

/**
 * A token bucket: it holds as many tokens as the limit, each admission takes some, and it is filled evenly, with as many in each window
 * as it holds. So the limit may be used at once, and after that as fast as it fills up.
 *
 * The state is how much is missing, and since when: `[missing, moment]`.
 */
export function takeFromBucket(
  state: string | undefined,
  now: number,
  policy: Policy,
  cost: number,
): Verdict {
  const { limit, window } = policy
  const [before = 0, moment = now] = readNumbers(state) ?? []
  // When the clock was put back nothing has flowed in.
  const elapsed = Math.max(0, now - moment)
  // No more than all of it, when the limit was lowered.
  let missing = Math.max(0, Math.min(before, limit) - (elapsed * limit) / window)
  const wanted = Math.max(cost, 1)
  const excess = missing + wanted - limit
  const isAllowed = excess <= tolerance
  if (isAllowed) missing += cost
  const resetAfter = Math.ceil((missing * window) / limit - tolerance)
  return {
    isAllowed,
    remaining: Math.max(0, Math.floor(limit - missing + tolerance)),
    resetAt: now + resetAfter,
    resetAfter,
    retryAfter: isAllowed ? 0 : Math.max(1, Math.ceil((excess * window) / limit - tolerance)),
    state: JSON.stringify([missing, now]),
    wasAhead: moment > now,
  }
}
