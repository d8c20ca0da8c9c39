import { HandcarError, option, readOptions, type Duration } from '../../core/index.ts'
import { readUnique, type UniqueOptions } from '../definition/unique.ts'
import { readTime, timeAfter } from '../time.ts'

/** When and how one job runs, where it differs from its definition. */
export interface EnqueueOptions {
  /** It runs after so long. Default: at once. */
  in?: Duration
  /** It runs at this time: a Date, or milliseconds since 1970. Default: at once. */
  at?: Date | number
  /** Default: the definition's. */
  priority?: number
  /** Default: the definition's. */
  queue?: string
  /** Default: the definition's. */
  unique?: string | UniqueOptions
  /** Default: the definition's. */
  maxAttempts?: number
  /** Words to find it by. Default: none. */
  tags?: readonly string[]
  /** The batch that it belongs to. Default: none. */
  batch?: number | { readonly id: number }
}

/** Options of an enqueue as a row wants them; what is not given is left to the definition. */
export type GivenOptions = Partial<ReturnType<typeof readGiven>>

const none: GivenOptions = {}

/**
 * Validates the options of an enqueue.
 *
 * @throws OptionsError
 */
export function readEnqueueOptions(options: EnqueueOptions | undefined): GivenOptions {
  return options === undefined ? none : readGiven(options)
}

function readGiven(options: EnqueueOptions) {
  const { tags, batch, ...given } = readOptions('enqueue', options, {
    in: option.optional(option.duration(0)),
    at: readTime,
    priority: option.optional(option.integer(0, { min: -1_000_000, max: 1_000_000 })),
    queue: option.optional(option.text()),
    unique: readUnique,
    maxAttempts: option.optional(option.integer(25, { min: 1, max: 1_000_000 })),
    tags: readTags,
    batch: readBatch,
  })
  return { ...given, batch, tags: tags === undefined || tags.length === 0 ? undefined : JSON.stringify(tags) }
}

/**
 * When a job runs, in milliseconds since 1970; `null`: at once.
 *
 * @throws HandcarError `HANDCAR_OPTION_INVALID` when both are given
 */
export function scheduledAtOf({ in: delay, at }: GivenOptions, now: number): number | null {
  if (delay !== undefined && at !== undefined) {
    throw new HandcarError(
      'HANDCAR_OPTION_INVALID',
      'enqueue has both options "in" and "at"; expected one of them',
    )
  }
  const time = at ?? (delay === undefined ? now : timeAfter(now, delay))
  return time > now ? time : null
}

const readTags = option.optional(
  option.matching('an array of strings', (value): value is string[] => {
    return Array.isArray(value) && value.every((each) => typeof each === 'string')
  }),
)

function readBatch(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value)) return value
  if (isBatch(value)) return value.id
  throw option.invalidOption(name, 'a batch', value)
}

function isBatch(value: unknown): value is { id: number } {
  return typeof value === 'object' && value !== null && 'id' in value && Number.isInteger(value.id)
}
