import { rm } from 'node:fs/promises'
import { Service, type Logger } from '../../core/index.ts'
import { endedEvent, startedEvent, type ReplicationProblem } from '../events.ts'
import { findLitestream, limitsOf, type LitestreamBinary } from './binary.ts'
import { stopGrace } from './child.ts'
import { DatabaseIdentities } from './identities.ts'
import type { LitestreamHost, LitestreamOptions } from './litestream-options.ts'
import { Pauses } from './pauses.ts'
import { Problems } from './problems.ts'
import { addressOf } from './replica.ts'
import { LitestreamRun } from './run.ts'
import { LitestreamSeat } from './seat.ts'
import { StallWatch } from './stall.ts'
import { judgeReplication, type ReplicationStatus } from './status.ts'

/** How often it is looked at, in milliseconds. */
const checkInterval = 1_000

/**
 * Keeps one Litestream running, beside the app and not above it: whatever happens to it, the app serves on, and the status says what is
 * wrong. So `start()` never fails; what keeps Litestream from running is tried again after a pause, since causes such as a missing program
 * pass.
 *
 * It is not restarted with releases: each start may cost a new generation, and with it moments that cannot be restored.
 *
 * One thing ends it for good: another file under the name of a database. It would go on and mix two databases in one replica without a word.
 */
export class Litestream extends Service {
  readonly #options: LitestreamOptions
  readonly #host: LitestreamHost
  readonly #logger: Logger
  readonly #problems: Problems
  readonly #stalls: StallWatch
  #pauses = new Pauses()
  #seat: LitestreamSeat | undefined
  #binary: LitestreamBinary | undefined
  #run: LitestreamRun | undefined
  #isWanted = false
  #isReplaced = false
  #starts = 0
  /** Why it does not run. */
  #down: string | undefined
  #identities = new DatabaseIdentities([])
  #checking: NodeJS.Timeout | undefined
  #wake: () => void = () => {}
  #keeping: Promise<void> | undefined
  #warnedOf: string | undefined
  /** Whether nobody else checkpoints, because it runs or is about to. */
  #isWaitedFor = false
  /** Aborted by a stop: what is waited for outside need not come any more. */
  #stopping = new AbortController()
  #hasSentAll = false

  constructor(options: LitestreamOptions) {
    super(stopGrace)
    this.#options = options
    this.#host = options.host ?? {}
    this.#logger = options.logger
    this.#problems = new Problems(options.logger)
    this.#stalls = new StallWatch(options.replication)
  }

  /** How it is at this moment. */
  status(): ReplicationStatus {
    const run = this.#run
    return {
      state: this.#describeState(),
      problem: this.#judge(),
      litestream: this.#binary && {
        version: this.#binary.version,
        line: this.#binary.line,
        path: this.#binary.path,
      },
      pid: run?.pid,
      uptime: Math.round(run?.uptime ?? 0),
      restarts: Math.max(0, this.#starts - 1),
      databases: this.#options.databases.map(({ name, path }) => ({
        name,
        path,
        replicas: this.#options.replication.replicas.map((replica) => ({
          name: replica.name,
          address: addressOf(replica, name),
          lag: run?.lagOf(path, replica.name),
        })),
      })),
      lastError: run?.lastError,
    }
  }

  /** Whether it has ended so that the replicas have everything, as far as is known. */
  get hasSentAll(): boolean {
    return this.#hasSentAll
  }

  /** The WAL of a database has become large: lets it checkpoint now, if it is one that can be told so. */
  hurry(path: string): void {
    void this.#run?.hurry(path)
  }

  /** Ends it at once; it is started again, unless it must not run any more. */
  interrupt(): void {
    this.#run?.kill()
  }

  /** Ends it at once. */
  kill(): void {
    this.#isWanted = false
    this.#wake()
    this.#run?.kill()
  }

  protected async open(): Promise<void> {
    this.#isWanted = true
    this.#stopping = new AbortController()
    this.#isReplaced = false
    this.#hasSentAll = false
    this.#pauses = new Pauses()
    this.#starts = 0
    this.#down = undefined
    this.#identities = new DatabaseIdentities(this.#options.databases.map(({ path }) => path))
    this.#checking = setInterval(() => void this.#check(), checkInterval).unref()
    await this.#begins()
    this.#keeping = this.#keep()
  }

  protected async close(timeout: number): Promise<void> {
    this.#isWanted = false
    this.#stopping.abort(new Error('it was told to stop'))
    clearInterval(this.#checking)
    this.#wake()
    const isWell = this.#run !== undefined && this.#judge() === undefined
    const wasKilled = await this.#run?.stop(Math.min(timeout, stopGrace))
    this.#hasSentAll = isWell && wasKilled === false
    await this.#keeping
    this.#seat?.[Symbol.dispose]()
    this.#seat = undefined
    this.#isWaitedFor = false
    await this.#host.ends?.()
    await rm(this.#options.folder.temporary, { recursive: true, force: true })
  }

  async #keep(): Promise<void> {
    while (this.#isWanted) {
      const startedAt = performance.now()
      const how = await this.#live().catch((error: unknown) => this.#explain(error))
      if (!this.#isWanted) return
      this.#down = how
      const delay = this.#pauses.ended(performance.now(), performance.now() - startedAt)
      endedEvent.publish({ how, delay })
      this.#logger.error({ delay }, `No backup is made: ${how}. It is tried again`)
      await this.#pausesNow()
      await this.#sleep(delay)
    }
  }

  /** One life of Litestream; tells how it ended. */
  async #live(): Promise<string> {
    const { folder, app, databases, replication, environment } = this.#options
    this.#seat ??= await LitestreamSeat.take(folder, this.#logger)
    this.#binary = await findLitestream({
      binary: replication.binary,
      installed: folder.binary,
      app,
      searchPath: environment['PATH'],
      signal: this.#stopping.signal,
    })
    this.#warnOfLimits(this.#binary)
    await this.#host.claims?.(this.#stopping.signal)
    const run = await LitestreamRun.prepare({
      binary: this.#binary,
      folder,
      databases,
      replication,
      environment,
      logger: this.#logger,
    })
    await this.#begins()
    if (!this.#isWanted) return 'it was told to stop'
    run.start()
    this.#run = run
    this.#starts++
    try {
      await this.#accompany(run)
      return await run.ended
    } finally {
      // Not even one that could not be written down goes on beside the next one.
      run.kill()
      await run.ended
      this.#run = undefined
      if (run.pid !== undefined) this.#host.forget?.(run.pid)
      await this.#seat.forget()
    }
  }

  async #accompany(run: LitestreamRun): Promise<void> {
    const { pid } = run
    if (pid === undefined) return
    this.#host.watch?.(pid)
    await this.#seat!.record(pid, this.#binary!.version)
    this.#down = undefined
    const { version, path } = this.#binary!
    startedEvent.publish({ pid, version })
    this.#logger.info({ pid, version, path }, `Litestream ${version} makes the backup`)
  }

  async #check(): Promise<void> {
    try {
      await this.#look()
    } catch (error) {
      // Nothing that goes wrong here may end the process, which serves the app.
      this.#logger.error({ error: String(error) }, 'The backup cannot be looked at')
    }
  }

  async #look(): Promise<void> {
    const run = this.#run
    if (this.#identities.haveChanged()) return this.#giveUp()
    if (run !== undefined) this.#pauses.runs(run.uptime)
    await run?.sample()
    this.#problems.tell(this.#judge())
    if (run !== undefined) this.#endStalled(run)
  }

  #endStalled(run: LitestreamRun): void {
    if (run !== this.#run || !this.#isWanted || run.isStopping) return
    const why = this.#stalls.judge({
      line: this.#binary!.line,
      stall: run.stall,
      size: run.bytes,
      wal: this.#host.walSize?.() ?? 0,
      isWell: this.#problems.current === undefined && run.isServed,
    })
    if (why === undefined) return
    this.#logger.error({ pid: run.pid }, `${why} and is ended`)
    void run.stop(stopGrace)
  }

  async #begins(): Promise<void> {
    this.#isWaitedFor = true
    await this.#host.begins?.()
  }

  /** Only once: who waits for it to come back does not wait anew each time that it cannot be started. */
  async #pausesNow(): Promise<void> {
    if (!this.#isWaitedFor) return
    this.#isWaitedFor = false
    await this.#host.pauses?.()
  }

  /** Its final sync would send the wrong file: it is killed. */
  #giveUp(): void {
    if (this.#isReplaced || !this.#isWanted) return
    this.#isReplaced = true
    this.#isWanted = false
    this.#down =
      'the file of a database was replaced while it was replicated; stop the app, and start it when the right file is in its place'
    this.#run?.kill()
    this.#wake()
    this.#problems.tell(this.#judge())
  }

  #judge(): ReplicationProblem | undefined {
    const isStarting = this.#run === undefined && this.#down === undefined
    if (this.state === 'stopped' || isStarting) return undefined
    const { replication, databases } = this.#options
    const run = this.#run
    return judgeReplication({
      down: run === undefined ? this.#down : undefined,
      isCrashLoop: this.#pauses.isAlarm,
      silence: run?.silence ?? 0,
      replicas: databases.flatMap(({ name, path }) =>
        replication.replicas.map((replica) => ({
          address: addressOf(replica, name),
          lag: run?.leastLagOf(path, replica.name),
        })),
      ),
      lastError: run?.lastError,
      lagAlarm: replication.lagAlarm,
      now: Date.now(),
    })
  }

  #warnOfLimits(binary: LitestreamBinary): void {
    const limits = limitsOf(binary)
    if (limits === undefined || this.#warnedOf === binary.path) return
    this.#warnedOf = binary.path
    this.#logger.warn({ version: binary.version, path: binary.path }, limits)
  }

  #describeState(): ReplicationStatus['state'] {
    if (this.#isReplaced) return 'replaced'
    if (this.state === 'stopped') return 'stopped'
    if (this.#run !== undefined) return 'running'
    return this.#down === undefined ? 'starting' : 'waiting'
  }

  #explain(error: unknown): string {
    const { message, fix } = error as { message?: string; fix?: string }
    return `${message ?? String(error)}${fix === undefined ? '' : ` (${fix})`}`
  }

  async #sleep(delay: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, delay).unref()
    this.#wake = resolve
    if (!this.#isWanted) resolve()
    await promise
    clearTimeout(timer)
  }
}
