import { option, readOptions, type Duration, type Size } from '../../core/index.ts'

/** How long jobs of one state are kept. Where several limits are given, what exceeds one of them goes. */
export interface KeepOptions {
  /** For so long after they have ended; `false`: however long. */
  age?: Duration | false
  /** At most so many, the latest. Default: any number. */
  count?: number
  /** At most so many bytes, together with their errors, logs and steps: the latest. Default: any number. */
  size?: Size
}

/** Which jobs that have ended are kept; `false` for a state: all of them. */
export interface RetentionOptions {
  /** Default: `{ age: '7d' }`. */
  completed?: KeepOptions | false
  /** Default: `{ age: '30d' }`. */
  discarded?: KeepOptions | false
  /** Default: `{ age: '30d' }`. */
  cancelled?: KeepOptions | false
}

/** What is kept of one state; `undefined`: no limit. */
export interface Keep {
  readonly state: 'completed' | 'discarded' | 'cancelled'
  readonly age: number | undefined
  readonly count: number | undefined
  readonly size: number | undefined
}

const day = 86_400_000

/** Reads the option `retention` of Jobs. `undefined`: nothing is ever deleted. */
export function readRetention(value: unknown, name: string): readonly Keep[] | undefined {
  if (value === false) return undefined
  const { completed, discarded, cancelled } = readOptions(name, value, {
    completed: keep('completed', 7 * day),
    discarded: keep('discarded', 30 * day),
    cancelled: keep('cancelled', 30 * day),
  })
  return [completed, discarded, cancelled]
}

function keep(state: Keep['state'], age: number) {
  return (value: unknown, name: string): Keep => {
    if (value === false) return { state, age: undefined, count: undefined, size: undefined }
    const given = readOptions(name, value, {
      age: (value, name) => (value === false ? undefined : option.duration(age)(value, name)),
      count: option.optional(option.integer(0, { min: 0, max: Number.MAX_SAFE_INTEGER })),
      size: option.optional(option.size(0)),
    })
    return { state, ...given }
  }
}
