import { option, readOptions } from '../../core/index.ts'
import { cancelTopic, tellEnded, type Engine } from '../engine.ts'
import { describeAct, type Action } from './action.ts'
import { cancelRunningJobs, endJobs } from './sql.ts'

/** Options of what is done with jobs. */
export interface ActOptions {
  /** Who does it, for the logs of the jobs. */
  by?: string
}

/** Ends jobs that wait; `cancel` also asks those to end that run. */
export function endAction(
  engine: Engine,
  name: 'cancel' | 'discard',
  givenReason: string,
  options: ActOptions | undefined,
): Action {
  const reason = option.text()(givenReason, `${name} reason`)
  const state = name === 'cancel' ? 'cancelled' : 'discarded'
  return {
    name,
    note: describeAct(`${state}: ${reason}`, readBy(name, options)),
    apply(tx, ids, states) {
      const list = JSON.stringify(ids)
      const asked =
        name === 'cancel' && states.includes('running')
          ? tx.all<{ id: number }>(cancelRunningJobs, { ids: list, reason })
          : []
      if (asked.length > 0) tx.touch(cancelTopic)
      const rows = tx.all<{ id: number; name: string; batch_id: number | null }>(endJobs, {
        ids: list,
        states: JSON.stringify(states.filter((each) => each !== 'running')),
        state,
        reason,
        now: engine.clock.now(),
      })
      if (rows.length > 0) {
        const ended = rows.map(({ id, name, batch_id: batchId }) => ({ id, name, state, batchId }) as const)
        tellEnded(tx, engine, ended)
      }
      return [...asked, ...rows].map(({ id }) => id)
    },
  }
}

/** Reads options that only say who does it. */
export function readBy(owner: string, options: ActOptions | undefined): string | undefined {
  return readOptions(owner, options, { by: option.optional(option.text()) }).by
}
