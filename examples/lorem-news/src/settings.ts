/** What this app lets be set from outside, besides what handcar does; `readSettings` says by which variable. */
export interface Settings {
  /** The address under which browsers see the site, when a proxy stands before it. */
  origin: string | undefined
  sessionSecret: string | undefined
  databaseMode: DatabaseMode
  durability: 'disk' | 'os'
  benchmarking: boolean
}

const databaseModes = [
  'handcar',
  'deferred',
  'deferred-timeout',
  'immediate-timeout',
  'immediate-retry',
] as const
const durabilities = ['disk', 'os'] as const

/** Which database the app runs on; all but `handcar` exist to be measured beside it. */
export type DatabaseMode = (typeof databaseModes)[number]

type Environment = Readonly<Record<string, string | undefined>>

/** Reads the environment's variables. Throws an Error that names the variable when a value makes no sense. */
export function readSettings(environment: Environment): Settings {
  return {
    origin: environment['ORIGIN'] ? originOf(environment['ORIGIN']) : undefined,
    sessionSecret: sessionSecret(environment['SESSION_SECRET']),
    databaseMode: oneOf(environment, 'LOREM_NEWS_DATABASE_MODE', databaseModes),
    durability: oneOf(environment, 'LOREM_NEWS_DURABILITY', durabilities),
    benchmarking: environment['LOREM_NEWS_BENCHMARKING'] === '1',
  }
}

function oneOf<Value extends string>(
  environment: Environment,
  name: string,
  values: readonly Value[],
): Value {
  const value = environment[name] || values[0]!
  const known = values.find((candidate) => candidate === value)
  if (known) return known
  throw new Error(`${name} must be one of ${values.join(', ')}, not ${JSON.stringify(value)}.`)
}

function originOf(value: string): string {
  const origin = URL.parse(value)?.origin
  if (origin?.startsWith('http')) return origin
  throw new Error(`ORIGIN must be an address such as https://news.example, not ${JSON.stringify(value)}.`)
}

function sessionSecret(value: string | undefined): string | undefined {
  if (!value || value.length >= 32) return value || undefined
  throw new Error('SESSION_SECRET needs at least 32 characters.')
}
