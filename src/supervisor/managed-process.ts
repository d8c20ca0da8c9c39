import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { StateError, type HandcarError, restoreFailure } from '../core/index.ts'
import { ErrorOutput } from './error-output.ts'
import type { DrainOrder, Order, ProcessDeath, ProcessStats, Report } from './protocol.ts'
import type { ProcessSpec } from './release.ts'
import type { TreeStatus } from './status.ts'

/** How a process ended. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** What became of a process that was told to drain. */
export interface DrainOutcome {
  name: string
  /** Milliseconds. */
  duration: number
  /** What the process itself reported; `undefined` when it ended or was killed before. */
  report: object | undefined
  wasKilled: boolean
}

/** What a process needs from the supervisor. */
export interface ProcessHost {
  /** Milliseconds until a process that is not ready is given up. */
  readonly bootTimeout: number
  readonly tree: () => TreeStatus
  /** It began. */
  readonly begun: (process: ManagedProcess) => void
  readonly ended: (process: ManagedProcess, exit: Exit) => void
}

/** How long a process may take to end after its time for draining is over, in milliseconds. */
const lastGrace = 2_000

/** One process of the app, from its fork to its end. */
export class ManagedProcess {
  readonly name: string
  readonly spec: ProcessSpec
  readonly startedAt = performance.now()
  /** Resolves when it is ready; rejects with the reason when it ends before, or takes too long. */
  readonly ready: Promise<void>
  readonly ended: Promise<Exit>
  state: 'booting' | 'ready' | 'draining' | 'ended' = 'booting'
  rss: number | undefined
  stats: ProcessStats = {}
  /** Told when a connection has arrived. */
  onAccepted: (id: number) => void = () => {}
  readonly output: ErrorOutput
  readonly #child: ChildProcess
  readonly #host: ProcessHost
  #failure: HandcarError | undefined
  #report: object | undefined
  #markReady!: () => void
  /** `performance.now()` of the ping that was not answered yet. */
  #pingedAt: number | undefined

  constructor(name: string, spec: ProcessSpec, host: ProcessHost) {
    this.name = name
    this.spec = spec
    this.#host = host
    this.#child = fork(spec.file, spec.args ?? [], {
      cwd: spec.cwd,
      env: spec.environment,
      execPath: spec.execPath,
      execArgv: [...(spec.execArgv ?? process.execArgv), `--title=handcar: ${name}`, ...inspectorFlags],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    })
    this.output = new ErrorOutput(this.#child.stderr!)
    this.ended = this.#watchEnd()
    this.ready = this.#watchBoot()
    this.ready.catch(() => {})
    this.#child.on('message', (report) => this.#receive(report as Report))
    this.#child.on('error', () => {})
    if (this.#child.pid !== undefined) host.begun(this)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Milliseconds for which it has not answered; 0 when it has. */
  get silence(): number {
    return this.#pingedAt === undefined ? 0 : performance.now() - this.#pingedAt
  }

  /** Asks for a sign of life, unless one is still awaited. */
  ping(): void {
    if (this.state !== 'ready' || this.#pingedAt !== undefined) return
    this.#pingedAt = performance.now()
    this.#send({ type: 'ping' })
  }

  /** Tells it that its release serves, and how others have ended before. */
  serve(deaths: readonly ProcessDeath[]): void {
    for (const death of deaths) this.#send({ type: 'death', death })
    this.#send({ type: 'serve' })
  }

  /** Tells it how another process has ended. */
  tell(death: ProcessDeath): void {
    if (this.state !== 'booting') this.#send({ type: 'death', death })
  }

  /** Hands over a connection. The caller keeps its copy until {@link onAccepted}. */
  hand(id: number, socket: Socket): void {
    this.#child.send({ type: 'connection', id } satisfies Order, socket, { keepOpen: true }, () => {})
  }

  /** Tells it to finish its work and to end; kills it when it does not. */
  async drain(order: DrainOrder): Promise<DrainOutcome> {
    const startedAt = performance.now()
    if (this.state === 'booting') this.kill()
    else if (this.state === 'ready') {
      this.state = 'draining'
      this.#send({ type: 'drain', ...order })
    }
    let wasKilled = false
    const impatience = setTimeout(() => {
      wasKilled = true
      this.kill()
    }, order.timeout + lastGrace)
    await this.ended
    clearTimeout(impatience)
    return { name: this.name, duration: performance.now() - startedAt, report: this.#report, wasKilled }
  }

  /** Ends it at once. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal)
  }

  #send(order: Order): void {
    if (this.#child.connected) this.#child.send(order, () => {})
  }

  #receive(report: Report): void {
    if (report.type === 'accepted') this.onAccepted(report.id)
    else if (report.type === 'ready') this.#markReady()
    else if (report.type === 'failed') this.#failure = restoreFailure(report.failure, 'HANDCAR_BOOT_FAILED')
    else if (report.type === 'drained') this.#report = report.report
    else if (report.type === 'tree') this.#send({ type: 'tree', id: report.id, tree: this.#host.tree() })
    else if (report.type === 'pong') {
      this.#pingedAt = undefined
      this.rss = report.rss
      this.stats = report.stats
    }
  }

  #watchEnd(): Promise<Exit> {
    return new Promise((resolve) => {
      const end = (exit: Exit): void => {
        if (this.state === 'ended') return
        const before = this.state
        this.state = 'ended'
        if (before !== 'booting' || this.pid !== undefined) this.#host.ended(this, exit)
        resolve(exit)
      }
      this.#child.once('exit', (code, signal) => end({ code, signal }))
      // A program that cannot be started at all never exits.
      this.#child.once('error', () => this.pid === undefined && end({ code: 127, signal: null }))
    })
  }

  async #watchBoot(): Promise<void> {
    const { promise: marked, resolve } = Promise.withResolvers<'ready'>()
    this.#markReady = () => resolve('ready')
    const { promise: late, resolve: giveUp } = Promise.withResolvers<'late'>()
    const timer = setTimeout(() => giveUp('late'), this.#host.bootTimeout)
    const first = await Promise.race([marked, late, this.ended])
    clearTimeout(timer)
    if (first === 'ready') {
      this.state = 'ready'
      return
    }
    if (first === 'late') {
      this.kill()
      throw new StateError(
        'HANDCAR_BOOT_TIMEOUT',
        `Process ${this.name} was not ready after ${this.#host.bootTimeout} ms`,
        { details: { process: this.name, output: this.output.tail } },
      )
    }
    throw this.#failure ?? (await this.#unexpectedEnd(first))
  }

  async #unexpectedEnd(exit: Exit): Promise<HandcarError> {
    await this.output.finished
    const { tail } = this.output
    return new StateError(
      'HANDCAR_BOOT_FAILED',
      `Process ${this.name} ended with ${describeExit(exit)} before it was ready${tail ? `:\n${tail}` : ''}`,
      { details: { process: this.name, ...exit } },
    )
  }
}

/** Names the end of a process for a message. */
export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code}` : signal
}

/**
 * Should its event loop stand still, the supervisor asks the inspector where (see `blocked-stack.ts`). It is off until then,
 * takes a free port of this machine, and tells its secret address on standard error only, which is ours.
 */
const inspectorFlags = ['--inspect-port=127.0.0.1:0', '--inspect-publish-uid=stderr']
