import type { Logger } from '../core/index.ts'
import { Backoff } from './backoff.ts'
import { blockedStack } from './blocked-stack.ts'
import {
  describeExit,
  ManagedProcess,
  type DrainOutcome,
  type Exit,
  type ProcessHost,
} from './managed-process.ts'
import type { DrainOrder, ProcessDeath } from './protocol.ts'
import type { ProcessSpec } from './release.ts'
import type { ProcessStatus } from './status.ts'

/** A process that grew too large is not replaced again for so long after its new process could not start, in milliseconds. */
const replacementPause = 60_000

/** What a slot needs from the supervisor. */
export interface SlotHost extends ProcessHost {
  readonly logger: Logger
  /** Milliseconds. */
  readonly limits: {
    restartDelay: number
    blockedAfter: number
    blockedTimeout: number
    drainIdle: number
    stopTimeout: number
  }
  /** The process is ready. */
  readonly ready: (process: ManagedProcess) => void
  /** The process gets no more work: it drains, or has ended. */
  readonly gone: (process: ManagedProcess) => void
}

/**
 * A place in the tree, such as `web.1`, and the process that fills it. What dies is started again; what uses too much memory is
 * replaced by a new process before it drains; what stands still for too long is killed.
 */
export class Slot {
  readonly name: string
  readonly #spec: ProcessSpec
  readonly #folder: string
  readonly #host: SlotHost
  readonly #backoff: Backoff
  #process: ManagedProcess | undefined
  /** The next process, while the present one still serves. */
  #successor: ManagedProcess | undefined
  /** Processes that were replaced and drain. */
  readonly #retiring = new Set<ManagedProcess>()
  #restarts = 0
  #isKept = false
  #restart: NodeJS.Timeout | undefined
  #isReportedBlocked = false
  /** `performance.now()` before which the process is not replaced. */
  #replaceAfter = 0

  constructor(name: string, spec: ProcessSpec, folder: string, host: SlotHost) {
    this.name = name
    this.#spec = spec
    this.#folder = folder
    this.#host = host
    this.#backoff = new Backoff(host.limits.restartDelay)
  }

  /** Starts the process; resolves when it is ready, rejects when it does not get that far. */
  async boot(): Promise<void> {
    const managed = this.#fork()
    this.#process = managed
    await managed.ready
  }

  /** From now on the process gets work. */
  admit(): void {
    if (this.#process?.state === 'ready') this.#host.ready(this.#process)
  }

  /** From now on what dies is started again. */
  keep(): void {
    this.#isKept = true
    if (this.#process?.state === 'ended') this.#restartLater(this.#process, { code: null, signal: null })
  }

  /** Looks after the process; called at each heartbeat. */
  check(): void {
    const managed = this.#process
    if (managed?.state !== 'ready') return
    this.#checkSilence(managed)
    managed.ping()
    const { maxRss } = this.#spec
    if (maxRss === undefined || managed.rss === undefined || managed.rss <= maxRss) return
    if (this.#successor === undefined && performance.now() > this.#replaceAfter)
      void this.#replace(managed, managed.rss, maxRss)
  }

  /** Ends it and starts nothing again. */
  async drain(order: DrainOrder): Promise<DrainOutcome[]> {
    this.#isKept = false
    clearTimeout(this.#restart)
    this.#successor?.kill()
    const managed = [this.#process, ...this.#retiring].filter((each) => each !== undefined)
    for (const each of managed) this.#host.gone(each)
    return await Promise.all(managed.map((each) => each.drain(order)))
  }

  /** Tells its processes how another one has ended. */
  tell(death: ProcessDeath): void {
    for (const each of [this.#process, ...this.#retiring]) each?.tell(death)
  }

  /** Ends it at once. */
  kill(): void {
    this.#isKept = false
    clearTimeout(this.#restart)
    for (const each of [this.#process, this.#successor, ...this.#retiring]) each?.kill()
  }

  /** What runs here. */
  status(): ProcessStatus[] {
    const running = [this.#process, this.#successor, ...this.#retiring].filter((each) => each !== undefined)
    return running.map((managed) => ({
      name: this.name,
      kind: this.#spec.kind,
      pid: managed.state === 'ended' ? undefined : managed.pid,
      state: managed.state === 'ended' ? 'restarting' : managed.state,
      uptime: Math.round(performance.now() - managed.startedAt),
      restarts: this.#restarts,
      release: this.#folder,
      rss: managed.rss,
      blocked: managed.silence > this.#host.limits.blockedAfter,
      stats: managed.stats,
    }))
  }

  #fork(): ManagedProcess {
    const { bootTimeout, tree, begun } = this.#host
    const ended = (managed: ManagedProcess, exit: Exit): void => this.#ended(managed, exit)
    return new ManagedProcess(this.name, this.#spec, { bootTimeout, tree, begun, ended })
  }

  #ended(managed: ManagedProcess, exit: Exit): void {
    this.#host.gone(managed)
    this.#host.ended(managed, exit)
    if (managed === this.#process && this.#isKept) this.#restartLater(managed, exit)
  }

  #restartLater(managed: ManagedProcess, exit: Exit): void {
    const lifetime = performance.now() - managed.startedAt
    const delay = this.#backoff.ended(lifetime)
    const fields = { process: this.name, pid: managed.pid, ...exit, lifetime: Math.round(lifetime), delay }
    const how = `Process ${this.name} ended with ${describeExit(exit)}`
    if (this.#backoff.hasJustBecomeCrashLoop) {
      const output = managed.output.tail
      this.#host.logger.error(
        { ...fields, output },
        `${how}, again soon after its start: a crash loop. It is tried again after ever longer pauses`,
      )
    } else if (!this.#backoff.isCrashLoop) this.#host.logger.error(fields, `${how}; it is started again`)
    this.#restart = setTimeout(() => {
      this.#restarts++
      this.#isReportedBlocked = false
      // A boot that fails ends the process, which is noticed above.
      this.boot().then(
        () => this.admit(),
        (error: unknown) => this.#reportBoot(error),
      )
    }, delay)
  }

  #reportBoot(error: unknown): void {
    if (this.#backoff.isCrashLoop || !this.#isKept) return
    this.#host.logger.error(
      { process: this.name, error: String(error) },
      `Process ${this.name} could not start`,
    )
  }

  #checkSilence(managed: ManagedProcess): void {
    const { blockedAfter, blockedTimeout } = this.#host.limits
    const { silence } = managed
    const fields = { process: this.name, pid: managed.pid, silence: Math.round(silence) }
    if (silence > blockedTimeout) {
      this.#host.logger.error(fields, `Process ${this.name} stood still for too long and is killed`)
      managed.kill()
    } else if (silence > blockedAfter && !this.#isReportedBlocked) {
      this.#isReportedBlocked = true
      void this.#reportBlocked(managed, fields)
    } else if (silence === 0 && this.#isReportedBlocked) {
      this.#isReportedBlocked = false
      this.#host.logger.warn(fields, `The event loop of process ${this.name} goes on`)
    }
  }

  async #reportBlocked(managed: ManagedProcess, fields: object): Promise<void> {
    const stack = await blockedStack(managed)
    const where = stack?.length
      ? `in ${stack[0]}`
      : 'inside native code, such as a long SQL statement or synchronous access to files'
    this.#host.logger.error(
      { ...fields, stack },
      `The event loop of process ${this.name} stands still: it is busy ${where}`,
    )
  }

  async #replace(managed: ManagedProcess, rss: number, maxRss: number): Promise<void> {
    const fields = { process: this.name, pid: managed.pid, rss, maxRss }
    this.#host.logger.warn(fields, `Process ${this.name} uses more memory than maxRss and is replaced`)
    const successor = this.#fork()
    this.#successor = successor
    try {
      await successor.ready
    } catch (error) {
      this.#successor = undefined
      this.#replaceAfter = performance.now() + replacementPause
      this.#reportBoot(error)
      return
    }
    this.#successor = undefined
    if (!this.#isKept) return successor.kill()
    this.#process = successor
    this.#restarts++
    this.#retiring.add(managed)
    this.#host.ready(successor)
    this.#host.gone(managed)
    const { drainIdle, stopTimeout } = this.#host.limits
    await managed.drain({ reason: 'memory', idle: drainIdle, timeout: stopTimeout })
    this.#retiring.delete(managed)
  }
}
