import { option, readOptions, type Duration } from '../../core/index.ts'

/** Keeps a second job with the same key from being enqueued. */
export interface UniqueOptions {
  /** Jobs of one name with the same key are the same. */
  key: string
  /** Also for so long after it was enqueued, whatever has become of it. Default: 0. */
  for?: Duration
  /** While it waits (for its time, or for a slot), or until it has ended. Default: `'unfinished'`. */
  while?: 'waiting' | 'unfinished'
  /**
   * What becomes of the second one: it is dropped (`keep`); the first takes over its payload (`replace`), or its payload
   * and its time (`reschedule`, to debounce). A job that runs or has ended is kept. Default: `'keep'`.
   */
  onConflict?: 'keep' | 'replace' | 'reschedule'
}

/** The options of a unique job, complete. */
export interface Unique {
  readonly key: string
  readonly for: number
  readonly while: 'waiting' | 'unfinished'
  readonly onConflict: 'keep' | 'replace' | 'reschedule'
}

/** Reads what says that a job is unique: a key, or options. */
export function readUnique(value: unknown, name: string): Unique | undefined {
  if (value === undefined) return undefined
  return readOptions(name, typeof value === 'string' ? { key: value } : value, {
    key: option.text(),
    for: option.duration(0),
    while: option.oneOf<'waiting' | 'unfinished'>(['waiting', 'unfinished'], 'unfinished'),
    onConflict: option.oneOf<'keep' | 'replace' | 'reschedule'>(['keep', 'replace', 'reschedule'], 'keep'),
  })
}
