import type { RequestPlan } from '../load/plan.ts'

/** The talks' routes that are measured. */
export const routes = ['post_create', 'balanced'] as const

/** One of them. */
export type Route = (typeof routes)[number]

/** A request as `hey` sends it, and what a right answer to it is. */
export function requestFor(route: Route): RequestPlan {
  return {
    method: 'POST',
    path: `/benchmarking/${route}`,
    statuses: route === 'post_create' ? [302, 303] : [200, 302, 303],
    marker: '</html>',
    follow: true,
    mayBeGone: route === 'balanced',
    acknowledgedBy: 'location',
  }
}
