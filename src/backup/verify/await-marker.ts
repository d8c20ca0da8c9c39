import { setTimeout as sleep } from 'node:timers/promises'
import type { HandcarError } from '../../core/index.ts'
import type { RestoreRange } from '../restore/moments.ts'
import { Doubt, isUnreachable } from './doubt.ts'
import type { Marker } from './marker.ts'
import { restoreCopy, type CopyOptions, type RestoredCopy } from './restored-copy.ts'

/** What {@link awaitMarker} needs to know. */
export interface AwaitOptions extends Omit<CopyOptions, 'marker'> {
  /** Commits a marker. */
  mark: () => Promise<Marker>
  /** How long the marker may take to get to the replica, in milliseconds; restores do not count. */
  patience: number
  /** Thrown when there is nothing in the replica that could be restored. */
  onEmpty: Doubt
}

/** A state with the marker. */
export interface MarkedCopy extends RestoredCopy {
  /** Milliseconds from its commit until it could be restored. */
  restorableAfter: number
}

/** How often it is restored in vain, because the marker is not there yet or because it has failed. */
const mostAttempts = 6
const pauses = { first: 250, most: 2_000 }
/** After so many milliseconds a restore is tried although the listing, whose times are whole seconds, has not moved. */
const stillness = 5_000

/**
 * Commits a marker and restores until it is there. To see when a restore is worth while the replica is listed again and again; each time
 * that it was not, another row is committed, so that the listing moves on when there is more.
 *
 * A restore that fails is tried once more, from a new listing: Litestream may have replaced the file that was missing. What fails twice is
 * damaged, unless it is the way to the replica that fails.
 *
 * @throws Doubt; the signal's reason
 */
export async function awaitMarker(options: AwaitOptions): Promise<MarkedCopy> {
  const { mark, patience, signal } = options
  let tried = textOf(await list(options))
  const marker = await mark()
  let listingTrouble: Error | undefined
  let isEmpty = false
  let copyTrouble: Error | undefined
  let pause = pauses.first
  let waited = 0
  for (let attempts = 0; waited < patience && attempts < mostAttempts;) {
    const startedAt = performance.now()
    const listedAt = Date.now()
    let restoring = 0
    const ranges = await list(options)
    listingTrouble = ranges instanceof Error ? ranges : undefined
    isEmpty = !(ranges instanceof Error) && ranges.length === 0
    const isWorthWhile = textOf(ranges) !== tried || (attempts === 0 && waited > stillness)
    if (!(ranges instanceof Error) && ranges.length > 0 && isWorthWhile) {
      const restoringAt = performance.now()
      const copy = await tryCopy(ranges, { ...options, marker })
      restoring = performance.now() - restoringAt
      attempts++
      if (!(copy instanceof Error) && copy.hasMarker)
        return { ...copy, restorableAfter: Math.max(0, listedAt - marker.at) }
      const hasFailedTwice = isDamage(copy) && isDamage(copyTrouble)
      if (hasFailedTwice) throw asFailure(copy as Error)
      copyTrouble = copy instanceof Error ? copy : undefined
      tried = copy instanceof Error ? '' : textOf(ranges)
      await mark()
    }
    await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted())
    // The time that restores take is not the replica's.
    waited += performance.now() - startedAt - restoring
    pause = Math.min(pause * 1.5, pauses.most)
  }
  if (isEmpty) throw options.onEmpty
  const trouble = copyTrouble ?? listingTrouble
  throw new Doubt('inconclusive', trouble?.message ?? notThere(marker, waited), trouble)
}

async function tryCopy(ranges: RestoreRange[], options: CopyOptions): Promise<RestoredCopy | Error> {
  try {
    return await restoreCopy(ranges, options)
  } catch (error) {
    options.signal.throwIfAborted()
    return error as Error
  }
}

async function list({ source, signal }: AwaitOptions): Promise<RestoreRange[] | Error> {
  try {
    return await source.ranges(signal)
  } catch (error) {
    signal.throwIfAborted()
    return error as Error
  }
}

const textOf = (ranges: RestoreRange[] | Error): string =>
  ranges instanceof Error ? 'unknown' : JSON.stringify(ranges)

/** Whether an error tells of the replica's content. */
function isDamage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof Doubt) return error.verdict === 'failed'
  return (error as HandcarError).code === 'HANDCAR_RESTORE_FAILED' && !isUnreachable(error)
}

function asFailure(error: Error): Doubt {
  return error instanceof Doubt ? error : new Doubt('failed', error.message, error)
}

function notThere({ at }: Marker, waited: number): string {
  const time = new Date(at).toISOString().slice(11, 19)
  return `What was written at ${time} UTC has not come to the replica within ${Math.round(waited / 1_000)} s`
}
