import { Pool } from 'undici'
import { answer } from '../harness/remote.ts'
import { closedLoop, openLoop } from './loops.ts'
import type { LoadPlan, StreamResult } from './plan.ts'

// More connections than any closed loop has clients; an open loop queues beyond them, and the queue counts.
const openLoopConnections = 256

const handlers = {
  /** Runs all streams at once and answers when the last request has ended. */
  async load(plan: LoadPlan): Promise<StreamResult[]> {
    const runs = plan.streams.map(async (stream) => {
      await using pool = closing(
        new Pool(plan.origin, { connections: stream.clients ?? openLoopConnections, pipelining: 1 }),
      )
      const loop = stream.clients === undefined ? openLoop : closedLoop
      return await loop(pool.value, plan, stream)
    })
    return await Promise.all(runs)
  },
}

/** What the load generator can be asked for. */
export type LoadHandlers = typeof handlers

function closing(pool: Pool): AsyncDisposable & { value: Pool } {
  return { value: pool, [Symbol.asyncDispose]: () => pool.destroy() }
}

answer(handlers)
