import type { Engine } from './engine.ts'
import {
  countDiscarded,
  countFinished,
  countOfQueues,
  countRunningJobs,
  countScheduled,
  countSetAside,
  selectPauses,
} from './sql.ts'
import type { Worker } from './worker/worker.ts'

/** How many jobs there are and where they stand, as plain JSON. */
export interface JobsStats {
  /** The queues that have jobs to run, or are paused. */
  queues: {
    name: string
    /** Jobs that could run now. */
    waiting: number
    /** How long the first of them has existed, in milliseconds. */
    oldest: number
    paused: boolean
  }[]
  /** Jobs that wait for a place in their limit. */
  blocked: number
  /** Jobs that wait for code that can perform them. */
  parked: number
  /** Jobs that were set aside because their names are paused. */
  paused: number
  /** The names of jobs that are paused. */
  pausedNames: string[]
  /** Jobs that wait for their time: scheduled ones, retries, and jobs that sleep. */
  scheduled: number
  /** Jobs that run, in all processes. */
  running: number
  /** Jobs that have ended and are still kept. */
  finished: number
  /** Those of them that were given up, mostly because no attempt was left. */
  discarded: number
  /** What this process does; `undefined` where it does not work on jobs. */
  here: WorkerStats | undefined
}

/** What one process does and has done since its start. */
export interface WorkerStats {
  slots: number
  running: number
  completed: number
  /** Attempts that have failed. */
  failed: number
}

/** Counts the jobs. Each number comes from an index of its own; in a process beside this one, where the database has any. */
export async function readStats({ database, clock }: Engine, worker: Worker | undefined): Promise<JobsStats> {
  const all = <Row>(text: string): Promise<Row[]> | Row[] =>
    database.stats().readers === undefined ? database.all<Row>(text) : database.query<Row>(text)
  const count = async (text: string): Promise<number> => (await all<{ count: number }>(text))[0]!.count
  const pauses = await all<{ kind: 'queue' | 'name'; name: string }>(selectPauses)
  const namesOf = (wanted: string): string[] =>
    pauses.flatMap(({ kind, name }) => (kind === wanted ? name : []))
  const paused = namesOf('queue')
  const rows = await all<{ name: string; waiting: number; created_at: number }>(countOfQueues)
  const aside = await all<{ blocked: number; parked: number; paused: number }>(countSetAside)
  const now = clock.now()
  const queues = rows.map(({ name, waiting, created_at }) => ({
    name,
    waiting,
    oldest: Math.max(0, now - created_at),
    paused: paused.includes(name),
  }))
  const empty = paused.filter((name) => !rows.some((row) => row.name === name))
  return {
    queues: [...queues, ...empty.map((name) => ({ name, waiting: 0, oldest: 0, paused: true }))],
    ...aside[0]!,
    pausedNames: namesOf('name'),
    scheduled: await count(countScheduled),
    running: await count(countRunningJobs),
    finished: await count(countFinished),
    discarded: await count(countDiscarded),
    here: worker?.stats(),
  }
}
