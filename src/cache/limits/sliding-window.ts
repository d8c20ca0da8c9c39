import { readNumbers, type Policy, type Verdict } from './policy.ts'

/** So many moments are remembered at most; a limit up to this is kept to the millisecond. */
const mostMoments = 50

/**
 * A sliding window: of any span as long as the window, wherever it begins, no more than the limit is admitted.
 *
 * What was admitted is remembered with its moment until the window has gone over it. For a large limit moments are rounded **up** to a
 * fiftieth of the window: what is admitted then counts for up to 2 % too long and never too short, and the state stays small.
 *
 * The state is a list of moments and costs: `[moment, cost, moment, cost, …]`, each moment as the distance to the one before.
 */
export function takeFromWindow(
  state: string | undefined,
  now: number,
  policy: Policy,
  cost: number,
): Verdict {
  const { limit, window } = policy
  const grain = limit > mostMoments ? Math.max(1, Math.ceil(window / mostMoments)) : 1
  const stamp = Math.ceil(now / grain) * grain
  const moments = decode(state, now - window)
  let used = 0
  let wasAhead = false
  for (const moment of moments) {
    used += moment[1]
    if (moment[0] <= stamp) continue
    wasAhead = true
    moment[0] = stamp
  }
  const wanted = Math.max(cost, 1)
  const isAllowed = used + wanted <= limit
  if (isAllowed && cost > 0) {
    const last = moments.at(-1)
    if (last?.[0] === stamp) last[1] += cost
    else moments.push([stamp, cost])
    used += cost
  }
  const resetAt = moments.length === 0 ? now : moments.at(-1)![0] + window
  return {
    isAllowed,
    remaining: Math.max(0, limit - used),
    resetAt,
    resetAfter: resetAt - now,
    retryAfter: isAllowed ? 0 : untilFree(moments, used + wanted - limit) + window - now,
    state: encode(moments),
    wasAhead,
  }
}

/** The moment with which enough of what was admitted is gone. */
function untilFree(moments: Moment[], wanted: number): number {
  let freed = 0
  for (const [moment, count] of moments) {
    freed += count
    if (freed >= wanted) return moment
  }
  return 0
}

type Moment = [moment: number, count: number]

/** What still counts. */
function decode(state: string | undefined, after: number): Moment[] {
  const numbers = readNumbers(state) ?? []
  const moments: Moment[] = []
  let moment = 0
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    moment += numbers[index]!
    if (moment > after) moments.push([moment, numbers[index + 1]!])
  }
  return moments
}

function encode(moments: Moment[]): string {
  const numbers: number[] = []
  let before = 0
  for (const [moment, count] of moments) {
    numbers.push(moment - before, count)
    before = moment
  }
  return JSON.stringify(numbers)
}
