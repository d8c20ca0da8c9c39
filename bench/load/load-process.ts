import { Pool } from 'undici'
import { answer } from '../harness/remote.ts'
import { closedLoop, openLoop } from './loops.ts'
import { patience } from './plan.ts'
import type { LoadPlan, StreamPlan, StreamResult } from './plan.ts'

// More connections than any closed loop has clients; an open loop queues beyond them, and the queue counts.
const openLoopConnections = 256

let stopping = new AbortController()

const handlers = {
  /** Runs all streams at once and answers when the last request has ended, at the latest a timeout after the end. */
  async load(plan: LoadPlan): Promise<StreamResult[]> {
    const { signal } = (stopping = new AbortController())
    return await Promise.all(plan.streams.map((stream) => run(plan, stream, signal)))
  },

  /** Ends the load that runs; `load` answers when what is under way has ended. */
  stop(): void {
    stopping.abort()
  },
}

/** What the load generator can be asked for. */
export type LoadHandlers = typeof handlers

async function run(plan: LoadPlan, stream: StreamPlan, stopped: AbortSignal): Promise<StreamResult> {
  // No pipelining at all is undici's word for a new connection each time.
  const pipelining = stream.newConnections ? 0 : 1
  const pool = new Pool(plan.origin, { connections: stream.clients ?? openLoopConnections, pipelining })
  // A request that waits for a connection has no timeout of its own.
  const latest = setTimeout(() => void pool.destroy(), plan.seconds * 1000 + patience(plan))
  try {
    return await (stream.clients === undefined ? openLoop : closedLoop)(pool, plan, stream, stopped)
  } finally {
    clearTimeout(latest)
    await pool.destroy()
  }
}

answer(handlers)
