import { Latencies } from '../harness/latencies.ts'
import type { LatencySummary } from '../harness/latencies.ts'
import type { ToldRequest } from '../load/plan.ts'

/** One reload; milliseconds of `Date.now()`, with fractions. */
export interface ReloadTimes {
  readonly begun: number
  /** The new processes had taken over. */
  readonly served: number
  /** The old ones were gone. */
  readonly ended: number
}

/** What was going on during a request: the busiest thing, when there were several. */
export const phases = ['new processes start', 'old processes drain', 'at rest'] as const

/** One of them. */
export type Phase = (typeof phases)[number]

/** The requests of one phase. */
export interface PhaseRequests extends LatencySummary {
  readonly failed: number
}

/** Sorts requests by what was going on. */
export function byPhase(
  requests: readonly ToldRequest[],
  reloads: readonly ReloadTimes[],
): Map<Phase, PhaseRequests> {
  const grouped = Map.groupBy(requests, (request) => phaseOf(request, reloads))
  return new Map(phases.map((phase) => [phase, summary(grouped.get(phase) ?? [])]))
}

/** A request belongs to a phase when it overlaps it. */
export function phaseOf(
  { since, milliseconds }: Pick<ToldRequest, 'since' | 'milliseconds'>,
  reloads: readonly ReloadTimes[],
): Phase {
  const overlaps = (from: number, to: number): boolean => since < to && since + milliseconds > from
  if (reloads.some(({ begun, served }) => overlaps(begun, served))) return 'new processes start'
  if (reloads.some(({ served, ended }) => overlaps(served, ended))) return 'old processes drain'
  return 'at rest'
}

function summary(requests: readonly ToldRequest[]): PhaseRequests {
  const latencies = new Latencies()
  for (const { milliseconds } of requests) latencies.record(milliseconds)
  return { ...latencies.summary(), failed: requests.filter(({ hasFailed }) => hasFailed).length }
}
