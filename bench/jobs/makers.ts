import { bullmq } from './bullmq.ts'
import { graphileWorker } from './graphile-worker.ts'
import { handcar } from './handcar.ts'
import { pgBoss } from './pg-boss.ts'
import { plainjob } from './plainjob.ts'
import type { QueueMaker, System } from './queue.ts'

/** How each system is opened. */
export const makers: Readonly<Record<System, QueueMaker>> = {
  handcar,
  BullMQ: bullmq,
  'pg-boss': pgBoss,
  'graphile-worker': graphileWorker,
  plainjob,
}
