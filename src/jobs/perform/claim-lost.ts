import { StateError } from '../../core/index.ts'

/** The error of somebody who goes on with a job that was given to another worker. */
export function claimLost({ row }: { row: { id: number; name: string } }): StateError {
  return new StateError(
    'HANDCAR_JOB_CLAIM_LOST',
    `Job ${row.id} ("${row.name}") does not belong to this attempt any more: it was cancelled, or given to another process`,
    { details: { id: row.id, job: row.name } },
  )
}
