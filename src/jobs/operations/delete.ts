import { finishedTopic } from '../engine.ts'
import type { Action } from './action.ts'
import { deleteJobs } from './sql.ts'

/** Deletes jobs that have ended, with their errors, logs and steps. */
export const deleteAction: Action = {
  name: 'delete',
  note: undefined,
  apply(tx, ids, states) {
    const deleted = tx.all<{ id: number }>(deleteJobs, {
      ids: JSON.stringify(ids),
      states: JSON.stringify(states),
    })
    // Whoever waits for the result of one learns that it is gone.
    if (deleted.length > 0) tx.touch(finishedTopic)
    return deleted.map(({ id }) => id)
  },
}
