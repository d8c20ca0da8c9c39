import { option } from '../../core/index.ts'
import type { Engine } from '../engine.ts'
import { describeAct, type Action } from './action.ts'
import { readBy, type ActOptions } from './end.ts'
import { readTime } from '../time.ts'
import { makeRunnable } from './retry.ts'
import { rescheduleJobs } from './sql.ts'

/** Gives jobs that wait another time. */
export function rescheduleAction(
  { clock }: Engine,
  at: Date | number,
  options: ActOptions | undefined,
): Action {
  const time = readTime(at, 'reschedule time')
  if (time === undefined)
    throw option.invalidOption('reschedule time', 'a Date, or milliseconds since 1970', at)
  const isNow = time <= clock.now()
  const what = isNow ? 'rescheduled: now' : `rescheduled: ${new Date(time).toISOString()}`
  return {
    name: 'reschedule',
    note: describeAct(what, readBy('reschedule', options)),
    apply(tx, ids, states) {
      const changed = tx.all<Parameters<typeof makeRunnable>[1][number]>(rescheduleJobs, {
        ids: JSON.stringify(ids),
        states: JSON.stringify(states),
        at: isNow ? null : time,
      })
      makeRunnable(tx, changed)
      return changed.map(({ id }) => id)
    },
  }
}
