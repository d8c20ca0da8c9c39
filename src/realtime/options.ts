import {
  clock,
  logger,
  option,
  readOptions,
  type Clock,
  type Duration,
  type Logger,
  type Size,
} from '../core/index.ts'
import { Database } from '../database/index.ts'
import type { ChannelRetention } from './channels/channel-options.ts'
import { Channels } from './channels/channels.ts'
import { ChannelDefinition, type AnyChannelDefinition } from './channels/define-channel.ts'
import { readRetention } from './channels/retention.ts'
import { readLimits, type LimitOptions } from './connections/limits.ts'
import type { Authenticate } from './connections/needs.ts'

/** Options of {@link Realtime}. */
export interface RealtimeOptions {
  /** Where the messages are: the app's own file. It must have the tables: `partMigrations: { realtime: Realtime.migrations }`. */
  database: Database
  /** The channels, as `defineChannel` returns them. */
  channels?: readonly AnyChannelDefinition[]
  /** Says who asks, from the session that the request carries; `undefined` for somebody who is not known, `false` to refuse. Default: nobody is known. */
  authenticate?: Authenticate
  /** Origins of pages besides the server's own that may connect: `'https://app.example.com'`; `'*'`: any. Default: none. */
  origins?: readonly string[]
  /**
   * Whether this process takes clients. `false`: it publishes only, reads nothing and has no loop; so it is where there are no channels.
   * Default: `true`.
   */
  serve?: boolean
  /** Where clients connect. Default: `'/realtime'`. */
  path?: string
  /** What is kept of each channel that says nothing else. Default: `{ age: '1d', count: 10_000, bytes: '64mb' }`. */
  retention?: ChannelRetention
  /** What clients may do. */
  limits?: LimitOptions
  /** How often a client hears something, at least. Default: `'25s'`. */
  heartbeat?: Duration
  /** Bytes that may wait for one client; with more it is caught up from the log instead. Default: `'256kb'`. */
  highWater?: Size
  /** Whether messages may be compressed: less to send for some memory and time per connection. Default: `false`. */
  compression?: boolean
  /** Whether ephemeral messages reach the connections of other processes. Default: `true`. */
  relay?: boolean
  /** How long somebody whose connection has gone is still present, so that a reload is not a leave. Default: `'2s'`. */
  presenceGrace?: Duration
  /** How many bytes of the latest messages are kept in memory, for clients that come back. Default: `'4mb'`. */
  memory?: Size
  /** Default: warnings and errors on standard error. */
  logger?: Logger
  /** Default: the machine's. */
  clock?: Clock
  /** How long `stop()` waits for clients to take what was sent. Default: `'5s'`. */
  stopTimeout?: Duration
}

const definitionReaders = {
  channels: (value: unknown, name: string) => [...readChannels(value, name)],
  authenticate: option.optional(
    option.matching('a function', (value): value is Authenticate => typeof value === 'function'),
  ),
}

const readers = {
  database: option.matching('a Database', (value): value is Database => value instanceof Database),
  channels: readChannels,
  authenticate: definitionReaders.authenticate,
  origins: readOrigins,
  serve: option.flag(true),
  path: option.matching(
    'a path that begins with a slash and ends without one, such as "/realtime"',
    (value): value is string | undefined => value === undefined || /^\/[\w./-]*[\w-]$/.test(value as string),
  ),
  retention: readRetention,
  limits: readLimits,
  heartbeat: option.duration(25_000),
  highWater: option.size(262_144),
  compression: option.flag(false),
  relay: option.flag(true),
  presenceGrace: option.duration(2_000),
  memory: option.size(4 * 1_048_576),
  logger,
  clock,
  stopTimeout: option.duration(5_000),
}

/** Validates the options of {@link Realtime} and fills in the defaults. */
export function resolveOptions(options: RealtimeOptions) {
  const { path = '/realtime', ...resolved } = readOptions('Realtime', options, readers)
  return { path, ...resolved }
}

/** Validates what `realtime.define` adds. */
export function readDefinitions(definitions: unknown) {
  return readOptions('realtime.define', definitions, definitionReaders)
}

/** What the configuration of an app says of realtime. */
export type RealtimeSettings = Omit<
  RealtimeOptions,
  'database' | 'channels' | 'authenticate' | 'serve' | 'clock' | 'logger' | 'stopTimeout'
>

/**
 * Validates options without what follows from the rest of the configuration of an app, and fills in the defaults.
 *
 * @param owner What the options belong to, for errors.
 * @throws OptionsError
 */
export function resolveRealtimeSettings(options: RealtimeSettings, owner = 'Realtime') {
  const { origins, path, retention, limits, heartbeat, highWater, ...more } = readers
  const { compression, relay, presenceGrace, memory } = more
  const settings = { origins, path, retention, limits, heartbeat, highWater }
  return readOptions(owner, options, { ...settings, compression, relay, presenceGrace, memory })
}

/** Options with their defaults; times in milliseconds, sizes in bytes. */
export type ResolvedOptions = ReturnType<typeof resolveOptions>

function readChannels(value: unknown, name: string): Channels {
  const expected = 'an array of what defineChannel returns'
  if (value !== undefined && !Array.isArray(value)) throw option.invalidOption(name, expected, value)
  const definitions = (value ?? []) as unknown[]
  for (const each of definitions)
    if (!(each instanceof ChannelDefinition)) throw option.invalidOption(name, expected, each)
  return new Channels(definitions as AnyChannelDefinition[])
}

function readOrigins(value: unknown, name: string): readonly string[] {
  if (value === undefined) return []
  const isOrigin = (each: unknown) =>
    each === '*' || (typeof each === 'string' && URL.parse(each)?.origin === each)
  const expected = 'an array of origins such as "https://app.example.com"'
  if (!Array.isArray(value)) throw option.invalidOption(name, expected, value)
  for (const each of value) if (!isOrigin(each)) throw option.invalidOption(name, expected, each)
  return value as string[]
}
