import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  invalidOption,
  logger,
  option,
  readOptions,
  type Duration,
  type Logger,
  type OptionReader,
  type Size,
} from '../core/index.ts'
import { readHealthChecks, type HealthCheck } from './health.ts'
import { parseTrustedProxies } from './trusted-proxies.ts'

/** What a request's handler is given beside the request; in Hono it is `c.env`. */
export interface RequestEnvironment {
  /** Node's side of the request. */
  incoming: IncomingMessage
  /** Node's side of the response. */
  outgoing: ServerResponse
  /** Names the request in the log and in the response header `x-request-id`. */
  requestId: string
  /** Address of the client, seen through trusted proxies. */
  clientAddress: string
}

/** Anything that answers a standard `Request` with a standard `Response`: Hono, Remix, SvelteKit, a function of yours. */
export interface FetchApp {
  fetch(request: Request, environment: RequestEnvironment): Response | Promise<Response>
}

/** Where a server listens: a TCP port, or a unix socket. */
export type ListenOptions = { host?: string; port?: number } | { path: string }

/** A folder whose files are served before the app is asked. */
export interface StaticFilesOptions {
  /** Path of the folder. Its files are listed when the server starts; files whose names begin with a dot are not served. */
  folder: string
  /** Under which path. Default: `'/'`. */
  url?: string
  /**
   * Which paths never change their content and are cached for a year. Default: those with a hexadecimal content hash in
   * their name, such as `/app-3f2a9b1c.js`.
   */
  immutable?: RegExp
  /** How long others may be used without asking again. Default: 0, so that caches ask each time (and get 304). */
  maxAge?: Duration
  /** Looks at the disk for each request instead of once at the start: for development. Default: `false`. */
  live?: boolean
}

/** Options of {@link Server}. */
export interface ServerOptions {
  /** Answers the requests. */
  app: FetchApp
  /**
   * Where to listen; `false` when connections come through `accept()`. Port 0 takes any free one. Default:
   * `{ host: '127.0.0.1', port: 3000 }`.
   */
  listen?: ListenOptions | false
  /** Folders of files that are served before the app is asked. Default: none. */
  staticFiles?: readonly StaticFilesOptions[]
  /** Compress text of 1 kB and more for clients that accept it; never `text/event-stream`. Default: `true`. */
  compression?: boolean
  /** The largest request body; more is answered with 413. Default: `'16mb'`. */
  bodyLimit?: Size
  /** How long receiving a whole request may take. Default: `'60s'`. */
  requestTimeout?: Duration
  /** How long receiving the head of a request may take. Default: `'20s'`. */
  headersTimeout?: Duration
  /** How long a connection may stay idle between requests; longer than proxies keep theirs. Default: `'65s'`. */
  keepAliveTimeout?: Duration
  /**
   * Whose `x-forwarded-for`, `-proto`, `-host` and `x-request-id` are believed: addresses, CIDR ranges, `'loopback'`,
   * `'private'`. A unix socket counts as loopback. Default: `['loopback']`.
   */
  trustedProxies?: readonly string[]
  /** Log a line for each request (of the health check at level debug). Default: `true`. */
  accessLog?: boolean
  /** Path of the health check. Default: `'/up'`. */
  healthPath?: string
  /** What the health check looks at. Default: nothing, so that it says that the process answers. */
  checks?: readonly HealthCheck[]
  /** Bearer token for the details of the health check. Default: nobody gets details. */
  statusToken?: string
  /** What the details contain beside the checks. Default: nothing. */
  details?: () => Promise<object>
  /** Default: warnings and errors on standard error. */
  logger?: Logger
  /** How long `stop()` waits for requests that are running. Default: `'15s'`. */
  stopTimeout?: Duration
}

/** Validates {@link ServerOptions} and fills in the defaults. */
export function resolveServerOptions(options: ServerOptions) {
  return readOptions('Server', options, {
    app: option.matching('an object with a method fetch', isFetchApp),
    listen: readListen,
    staticFiles: listOf(readStaticFiles, 'a list of folders'),
    compression: option.flag(true),
    bodyLimit: option.size(16 * 1_024 ** 2),
    requestTimeout: option.duration(60_000),
    headersTimeout: option.duration(20_000),
    keepAliveTimeout: option.duration(65_000),
    trustedProxies: parseTrustedProxies,
    accessLog: option.flag(true),
    healthPath: readPath('/up'),
    checks: readHealthChecks,
    statusToken: option.optional(option.word),
    details: option.optional(option.matching('a function', isFunction<() => Promise<object>>)),
    logger,
    stopTimeout: option.duration(15_000),
  })
}

/** The options of {@link Server}, complete. */
export type ResolvedServerOptions = ReturnType<typeof resolveServerOptions>
/** Where to listen, complete. */
export type ResolvedListen = Exclude<ReturnType<typeof readListen>, false>
/** A folder of static files, complete. */
export type ResolvedStaticFiles = ReturnType<typeof readStaticFiles>

function readListen(value: unknown, name: string) {
  if (value === false) return false
  if (value !== null && typeof value === 'object' && 'path' in value) {
    return readOptions(name, value, { path: option.text() })
  }
  return readOptions(name, value, {
    host: option.text('127.0.0.1'),
    port: option.integer(3_000, { min: 0, max: 65_535 }),
  })
}

/** `-` or `.`, eight or more hexadecimal digits with both letters and numbers among them, and an extension. */
const contentHash = /[-.](?=[a-f]*\d)(?=\d*[a-f])[\da-f]{8,}\.[a-z\d.]+$/i

function readStaticFiles(value: unknown, name: string) {
  return readOptions(name, value ?? {}, {
    folder: option.text(),
    url: readPath('/'),
    immutable: (pattern, name) =>
      pattern === undefined ? contentHash : option.matching('a RegExp', isRegExp)(pattern, name),
    maxAge: option.duration(0),
    live: option.flag(false),
  })
}

function readPath(defaultPath: string): OptionReader<string> {
  return (value, name) => {
    if (value === undefined) return defaultPath
    if (typeof value !== 'string' || !/^\/[^?#]*$/.test(value))
      throw invalidOption(name, "a path that begins with '/'", value)
    return value
  }
}

/** A list, each of whose entries is read by `reader`; empty when it was left out. */
function listOf<Value>(reader: OptionReader<Value>, expected: string): OptionReader<Value[]> {
  return (value, name) => {
    if (value === undefined) return []
    if (!Array.isArray(value)) throw invalidOption(name, expected, value)
    return value.map((each: unknown, index) => reader(each, `${name}[${index}]`))
  }
}

function isFetchApp(value: unknown): value is FetchApp {
  const candidate = value as FetchApp | null | undefined
  return typeof candidate?.fetch === 'function'
}

function isFunction<Kind>(value: unknown): value is Kind {
  return typeof value === 'function'
}

function isRegExp(value: unknown): value is RegExp {
  return value instanceof RegExp
}
