import { Pool } from 'undici'
import { answer } from '../harness/remote.ts'
import { closedLoop, openLoop } from './loops.ts'
import { patience } from './plan.ts'
import type { LoadPlan, StreamPlan, StreamResult } from './plan.ts'

// More connections than any closed loop has clients; an open loop queues beyond them, and the queue counts.
const openLoopConnections = 256

const handlers = {
  /** Runs all streams at once and answers when the last request has ended, at the latest a timeout after the end. */
  async load(plan: LoadPlan): Promise<StreamResult[]> {
    return await Promise.all(plan.streams.map((stream) => run(plan, stream)))
  },
}

/** What the load generator can be asked for. */
export type LoadHandlers = typeof handlers

async function run(plan: LoadPlan, stream: StreamPlan): Promise<StreamResult> {
  const pool = new Pool(plan.origin, { connections: stream.clients ?? openLoopConnections, pipelining: 1 })
  // A request that waits for a connection has no timeout of its own.
  const latest = setTimeout(() => void pool.destroy(), plan.seconds * 1000 + patience(plan))
  try {
    return await (stream.clients === undefined ? openLoop : closedLoop)(pool, plan, stream)
  } finally {
    clearTimeout(latest)
    await pool.destroy()
  }
}

answer(handlers)
