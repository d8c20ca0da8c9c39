import { createHash, timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { invalidOption, option, readOptions, type Logger } from '../core/index.ts'
import type { Exchange } from './exchange.ts'

/** How well something is: `warning` is for people to look at, `failing` takes the process out of service. */
export type HealthStatus = 'ok' | 'warning' | 'failing'

/** What a health check found. */
export interface HealthResult {
  status: HealthStatus
  /** A sentence for people. */
  message?: string
  /** Plain values. */
  details?: Record<string, unknown>
}

/** Looks at one thing that the app needs. One that throws, or takes longer than two seconds, counts as failing. */
export interface HealthCheck {
  name: string
  check(): HealthResult | Promise<HealthResult>
}

/** All checks together: the worst status of any. */
export interface HealthReport {
  status: HealthStatus
  checks: Record<string, HealthResult>
}

/** Results are asked for by many and are used for so long, in milliseconds. */
const cachedFor = 1_000
/** A check may take so long, in milliseconds. */
const checkTimeout = 2_000
const severity: Record<HealthStatus, number> = { ok: 0, warning: 1, failing: 2 }

/** Runs the checks, each at most once at a time and once a second, however many ask. */
export class Health {
  readonly #checks: readonly HealthCheck[]
  readonly #running = new Map<string, Promise<HealthResult>>()
  #report: Promise<HealthReport> | undefined
  #reportedAt = -Infinity

  constructor(checks: readonly HealthCheck[]) {
    this.#checks = checks
  }

  /** How everything is. Never throws, and never takes longer than a check may. */
  report(): Promise<HealthReport> {
    const now = performance.now()
    if (this.#report === undefined || now - this.#reportedAt > cachedFor) {
      this.#reportedAt = now
      this.#report = this.#run()
    }
    return this.#report
  }

  async #run(): Promise<HealthReport> {
    const results = await Promise.all(this.#checks.map((check) => this.#resultOf(check)))
    const worst = results.reduce<HealthStatus>(
      (worst, { status }) => (severity[status] > severity[worst] ? status : worst),
      'ok',
    )
    const named = results.map((result, index) => [this.#checks[index]!.name, result] as const)
    return { status: worst, checks: Object.fromEntries(named) }
  }

  /** A check that hangs is not started a second time. */
  async #resultOf(check: HealthCheck): Promise<HealthResult> {
    const running = this.#running.get(check.name) ?? this.#start(check)
    const timer = new AbortController()
    const late = sleep(checkTimeout, late_, { signal: timer.signal, ref: false }).catch(() => late_)
    const result = await Promise.race([running, late])
    timer.abort()
    return result
  }

  #start(check: HealthCheck): Promise<HealthResult> {
    const running = perform(check).finally(() => this.#running.delete(check.name))
    this.#running.set(check.name, running)
    return running
  }
}

const late_: HealthResult = { status: 'failing', message: `did not answer within ${checkTimeout} ms` }

async function perform(check: HealthCheck): Promise<HealthResult> {
  try {
    const result = await check.check()
    if (Object.hasOwn(severity, result?.status)) return result
    return { status: 'failing', message: 'the check returned no status' }
  } catch (error) {
    return { status: 'failing', message: error instanceof Error ? error.message : String(error) }
  }
}

/** What the page of the health check is made of. */
export interface HealthPageOptions {
  health: Health
  statusToken: string | undefined
  details: (() => Promise<object>) | undefined
  logger: Logger
}

/** Answers the health check: one word for everybody, JSON for those who know the token. Never rejects. */
export async function answerHealth(exchange: Exchange, options: HealthPageOptions): Promise<void> {
  try {
    await answer(exchange, options)
  } catch (error) {
    options.logger.error({ err: error }, 'The health check could not be answered')
    exchange.answer(500, 'failing', noStore)
  }
}

async function answer(exchange: Exchange, options: HealthPageOptions): Promise<void> {
  const { method, headers } = exchange.req
  if (method !== 'GET' && method !== 'HEAD')
    return exchange.answer(405, 'Method not allowed', { allow: 'GET, HEAD' })
  const access = accessOf(headers.authorization, options.statusToken)
  if (access === 'wrong')
    return exchange.answer(401, 'Wrong token', { 'www-authenticate': 'Bearer', ...noStore })
  const report = await options.health.report()
  const status = report.status === 'failing' ? 503 : 200
  if (access === 'everybody') return exchange.answer(status, status === 200 ? 'ok' : 'failing', noStore)
  const body = JSON.stringify({ ...(await detailsOf(options)), ...report })
  exchange.answer(status, body, { 'content-type': 'application/json', ...noStore })
}

const noStore = { 'cache-control': 'no-store' }

async function detailsOf({ details, logger }: HealthPageOptions): Promise<object> {
  try {
    return (await details?.()) ?? {}
  } catch (error) {
    logger.warn({ err: error }, 'The details of the health check could not be collected')
    return {}
  }
}

function accessOf(
  authorization: string | undefined,
  token: string | undefined,
): 'details' | 'wrong' | 'everybody' {
  if (token === undefined || authorization === undefined) return 'everybody'
  const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  if (given === undefined) return 'everybody'
  return timingSafeEqual(digest(given), digest(token)) ? 'details' : 'wrong'
}

/** Equally long, whatever the length of the text. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Reads the option `checks`. Default: none. */
export function readHealthChecks(value: unknown, name: string): readonly HealthCheck[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw invalidOption(name, 'a list of health checks', value)
  const checks = value as HealthCheck[]
  for (const [index, check] of checks.entries()) {
    readOptions(`${name}[${index}]`, check, {
      name: option.text(),
      check: option.matching(
        'a function',
        (each): each is HealthCheck['check'] => typeof each === 'function',
      ),
    })
    if (checks.findIndex((other) => other.name === check.name) !== index)
      throw invalidOption(`${name}[${index}]`, 'a name that no other check has', check.name)
  }
  return checks
}
