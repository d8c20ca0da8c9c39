import type { ResolvedConfig } from '../app/index.ts'
import { resolveCacheSettings } from '../cache/index.ts'
import { formatSize } from '../core/index.ts'
import { resolveDatabaseOptions } from '../database/index.ts'
import { resolveJobsOptions } from '../jobs/index.ts'
import { formatDuration } from './format.ts'

/** One setting that is in force. */
export interface ListedSetting {
  /** Its dotted name: `server.port`. */
  name: string
  /** A plain value; `null` when there is none. */
  value: unknown
  /** `default`, `handcar.config.ts`, `environment PORT` */
  origin: string
}

/** Lists the settings of a configuration, in the order in which they are documented, without the values of secrets. */
export function listSettings(config: ResolvedConfig, secrets: readonly string[]): ListedSetting[] {
  return Object.entries(config.origins).map(([name, origin]) => {
    const value = valueAt(config, name)
    const isHidden = value !== undefined && secrets.includes(name)
    return { name, value: isHidden ? '(set)' : plain(value), origin }
  })
}

function valueAt(config: ResolvedConfig, name: string): unknown {
  const { definitions, ...jobs } = config.jobs
  const { path: file, ...cache } = config.cache
  const complete = {
    ...config,
    database: resolveDatabaseOptions(config.database),
    jobs: { definitions, ...resolveJobsOptions({ ...jobs, work: jobs.work ?? true }) },
    cache: { file, ...resolveCacheSettings(cache, 'cache') },
  }
  // The file of the database is in force as a whole path.
  const path = name === 'database.file' ? ['database', 'path'] : name.split('.')
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], complete)
}

function plain(value: unknown): unknown {
  if (value === undefined) return null
  const text = JSON.stringify(value, (_key, each: unknown) => (each instanceof RegExp ? String(each) : each))
  return JSON.parse(text)
}

const durations = /(?:Timeout|After|Interval|Duration|slowQuery|ttl|retention|lagAlarm)$/
const sizes = /(?:Limit|maxRss|maxBytes|maxValue)$/

/** Writes the value of a setting for people. */
export function describeSetting({ name, value }: ListedSetting): string {
  if (value === null) return 'not set'
  if (typeof value === 'number' && durations.test(name)) return formatDuration(value)
  if (typeof value === 'number' && sizes.test(name)) return formatSize(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
