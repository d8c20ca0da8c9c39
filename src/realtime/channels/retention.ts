import { option, readOptions, type OptionReader } from '../../core/index.ts'

/** What a channel keeps: milliseconds, messages, bytes; `Infinity`: no limit. */
export interface ResolvedRetention {
  readonly age: number
  readonly count: number
  readonly bytes: number
}

const day = 86_400_000
/** What is kept where nothing else is said. */
const usual: ResolvedRetention = { age: day, count: 10_000, bytes: 64 * 1_048_576 }

const count = option.integer(0, { min: 1, max: Number.MAX_SAFE_INTEGER })
const readers = {
  age: limit(option.duration(0)),
  count: limit(count),
  bytes: limit(option.size(0)),
}

/** Reads the option `retention` of a channel; a field that is left out is `undefined`. */
export function readChannelRetention(value: unknown, name: string): Partial<ResolvedRetention> {
  const { age, count, bytes } = readOptions(name, value, readers)
  return {
    ...(age === undefined ? {} : { age }),
    ...(count === undefined ? {} : { count }),
    ...(bytes === undefined ? {} : { bytes }),
  }
}

/** Reads the option `retention` of Realtime. */
export function readRetention(value: unknown, name: string): ResolvedRetention {
  return { ...usual, ...readChannelRetention(value, name) }
}

function limit(reader: OptionReader<number>): OptionReader<number | undefined> {
  return (value, name) => {
    if (value === undefined) return undefined
    return value === false ? Infinity : reader(value, name)
  }
}
