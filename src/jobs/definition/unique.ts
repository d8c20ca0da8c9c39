import { option, readOptions, type Duration } from '../../core/index.ts'

/** What becomes of the second job of a key: see {@link UniqueOptions.onConflict}. */
type OnConflict<Payload> =
  | 'keep'
  | 'replace'
  | 'reschedule'
  | { merge: (waiting: Payload, added: Payload) => Payload }

/** Keeps a second job with the same key from being enqueued. */
// oxlint-disable-next-line typescript/no-explicit-any -- options of an enqueue do not know the payload
export interface UniqueOptions<Payload = any> {
  /** Jobs of one name with the same key are the same. */
  key: string
  /** Also for so long after it was enqueued, whatever has become of it. Default: 0. */
  for?: Duration
  /** While it waits (for its time, or for a slot), or until it has ended. Default: `'unfinished'`. */
  while?: 'waiting' | 'unfinished'
  /**
   * What becomes of the second one: it is dropped (`keep`); the first takes over its payload (`replace`), or its payload
   * and its time (`reschedule`, to debounce; one that waits for an event or for another job goes on to), or what a function makes of
   * both payloads (`merge`). A job that runs or has ended is kept as it is, and the second one dropped: where nothing may be
   * lost, `while: 'waiting'` lets the second one wait.
   * Default: `'keep'`.
   */
  onConflict?: OnConflict<Payload>
}

/** The options of a unique job, complete. */
export interface Unique {
  readonly key: string
  readonly for: number
  readonly while: 'waiting' | 'unfinished'
  readonly onConflict: OnConflict<unknown>
}

/** Reads what says that a job is unique: a key, or options. */
export function readUnique(value: unknown, name: string): Unique | undefined {
  if (value === undefined) return undefined
  return readOptions(name, typeof value === 'string' ? { key: value } : value, {
    key: option.text(),
    for: option.duration(0),
    while: option.oneOf<'waiting' | 'unfinished'>(['waiting', 'unfinished'], 'unfinished'),
    onConflict: readOnConflict,
  })
}

const readWord = option.oneOf<'keep' | 'replace' | 'reschedule'>(['keep', 'replace', 'reschedule'], 'keep')

function readOnConflict(value: unknown, name: string): OnConflict<unknown> {
  if (typeof value !== 'object' || value === null) return readWord(value, name)
  const { merge } = readOptions(name, value, {
    merge: option.matching('a function', (value): value is Merge => typeof value === 'function'),
  })
  return { merge }
}

type Merge = (waiting: unknown, added: unknown) => unknown
