import { option, OptionsError, readOptions } from '../../core/index.ts'
import { jobsTopic, type Engine } from '../engine.ts'
import { deletePause, insertPause } from './sql.ts'

/** What is paused: a queue, also by its name alone, or all jobs of a name, whatever their queue. */
export type PauseTarget = string | { queue: string } | { name: string }

/** A row of `handcar_job_pauses`. */
export interface Pause {
  kind: 'queue' | 'name'
  name: string
}

/**
 * Keeps jobs from being started. A paused queue is left out by the claim. The jobs of a paused name are set aside when their turn comes
 * (`blocked = 4`), and let in again, some at a time, by the workers that see that it is not paused any more.
 */
export async function pause({ database, clock }: Engine, target: PauseTarget): Promise<boolean> {
  const { kind, name } = readTarget('pause', target)
  return database.write((tx) => tx.run(insertPause, [kind, name, clock.now()]).changes === 1)
}

/** Lets them be started again. */
export async function resume({ database }: Engine, target: PauseTarget): Promise<boolean> {
  const { kind, name } = readTarget('resume', target)
  return database.write((tx) => {
    tx.touch(jobsTopic)
    return tx.run(deletePause, [kind, name]).changes === 1
  })
}

function readTarget(owner: string, target: PauseTarget): Pause {
  if (typeof target === 'string') return { kind: 'queue', name: option.text()(target, `${owner} queue`) }
  const { queue, name } = readOptions(owner, target, {
    queue: option.optional(option.text()),
    name: option.optional(option.text()),
  })
  if ((queue === undefined) === (name === undefined))
    throw new OptionsError('HANDCAR_OPTION_INVALID', `${owner} expects a queue or the name of a job`)
  return queue === undefined ? { kind: 'name', name: name! } : { kind: 'queue', name: queue }
}
