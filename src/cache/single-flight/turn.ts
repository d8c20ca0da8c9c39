import { StateError } from '../../core/index.ts'
import type { Engine } from '../engine.ts'
import type { Entry } from '../entries/entry.ts'
import type { Space } from '../spaces/space.ts'
import type { Lease, Other } from './leases.ts'
import { Waits } from './waits.ts'

/** How often one that waits for another process looks whether that waits for it, in milliseconds. */
const circleInterval = 500

/** Who waits for a turn. */
export interface Waiting {
  readonly space: Space
  readonly key: string
  /** The version of the entry that is to be replaced; `'any'`: whatever is there is to be replaced. */
  readonly known: number | 'any' | undefined
  /** The leases of this process whose factories wait for it. */
  readonly waiting: () => readonly Lease[]
  readonly abort: (reason: Error) => void
  readonly signal: AbortSignal
}

/** A value that another process has made. */
export interface Made {
  readonly entry: Entry
  readonly value: unknown
}

/**
 * Waits until this process is the one that makes a value, or has one that another process has made. `undefined`: the storage fails, and
 * the value is made without a lease.
 *
 * @throws the reason of the signal
 */
export async function takeTurn(engine: Engine, who: Waiting): Promise<Lease | Made | undefined> {
  const { leases, reads } = engine
  let { known } = who
  let dead: string | undefined
  for (;;) {
    who.signal.throwIfAborted()
    const answer = await leases.take(who.space, who.key, known, dead)
    if (answer === undefined) return undefined
    if ('lease' in answer) return answer.lease
    if ('other' in answer) {
      dead = await follow(engine, who, answer.other)
      continue
    }
    const hit = reads.open(answer.entry)
    if (hit !== undefined) return { entry: answer.entry, value: hit.value }
    // What this process cannot read, such as a value encrypted with a key that it lacks, is to be replaced.
    known = answer.entry.version
  }
}

/** Waits for another process; resolves with it when it is dead. */
async function follow(engine: Engine, who: Waiting, other: Other): Promise<string | undefined> {
  const waits = new Waits(engine, other.id, who.waiting)
  const look = async (): Promise<void> => {
    if (await waits.isCircle()) who.abort(deadlock(who.key))
  }
  const timer = setInterval(() => void look().catch(who.abort), circleInterval)
  try {
    return await engine.leases.follow(other, who.signal)
  } finally {
    clearInterval(timer)
    await waits.end()
  }
}

/** The error of a factory that waits for itself around a corner that is in another process. */
function deadlock(key: string): StateError {
  return new StateError(
    'HANDCAR_CACHE_DEADLOCK',
    `Another process makes "${key}", and waits for a value that is made here by a factory that waits for "${key}"`,
  )
}
