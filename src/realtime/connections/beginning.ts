import { parsePosition } from '../protocol.ts'
import type { Audience } from './audience.ts'
import type { FanOut } from './fan-out.ts'
import type { LogReader, MessageFeed } from './needs.ts'

/** What is asked where a subscription begins. */
export interface Whereabouts {
  readonly log: LogReader
  readonly feed: MessageFeed
  readonly fanOut: FanOut
}

/** Where who has no position begins: now, or before the latest message of a channel that gives that to everybody. */
export function beginningOf({ name, match }: Audience, { log, fanOut }: Whereabouts): number {
  const last = match.definition.replay === 'latest' ? log.last(name) : undefined
  return Math.min(fanOut.position, (last?.offset ?? Infinity) - 1)
}

/** The offset to go on from; `undefined` when something is lost since. */
export function resumeFrom(
  { name, match }: Audience,
  from: string,
  { log, feed, fanOut }: Whereabouts,
): number | undefined {
  const position = parsePosition(from)
  if (position === undefined || position.epoch !== fanOut.epoch) return undefined
  const { offset } = position
  const { replay } = match.definition
  // Of these nothing counts but the latest, whatever retention has taken.
  if (replay === 'latest') return offset <= log.position().offset ? offset : undefined
  if (log.checkResume(name, position) === 'gap') return undefined
  return replay === 'none' && feed.after(name, offset, 1).length > 0 ? undefined : offset
}
