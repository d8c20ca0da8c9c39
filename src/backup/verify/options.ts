import { option, readOptions, type Duration, type OptionReader } from '../../core/index.ts'

/** The settings of an app for the verification of its backup. */
export interface VerifySettings {
  /** How often each replica is restored and compared with the database. Default: `'24h'` */
  every?: Duration
  /** After how long the verification of a replica is given up. Default: `'30m'` */
  timeout?: Duration
}

/** The settings of verification, complete, in milliseconds; `undefined`: it is off. */
export interface ResolvedVerification {
  readonly every: number
  readonly timeout: number
}

const least = { every: 1_000, timeout: 1_000 }
const most = 366 * 86_400_000

/** Reads the setting `verify`; `false` turns it off. */
export const readVerification: OptionReader<ResolvedVerification | undefined> = (value, name) => {
  if (value === false) return undefined
  const read = readOptions(name, value ?? {}, {
    every: option.duration(86_400_000),
    timeout: option.duration(30 * 60_000),
  })
  for (const key of ['every', 'timeout'] as const)
    if (read[key] < least[key] || read[key] > most || !Number.isInteger(read[key]))
      throw option.invalidOption(`${name} option "${key}"`, 'a duration from 1 s to a year', read[key])
  return read
}
