import type { Socket } from 'node:net'
import { describeFailure } from '../core/index.ts'
import type { DrainOrder, Order, ProcessDeath, ProcessStats, Report } from './protocol.ts'
import type { TreeStatus } from './status.ts'

/** How long a process whose supervisor has died may go on, in milliseconds. */
const orphanGrace = 800

/** Signals that reach the whole process group (Ctrl-C, a closed terminal, systemd): the supervisor decides, not each process. */
const groupSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

type DrainListener = (order: DrainOrder) => Promise<object | undefined | void>

/** The side of the process in the talk between a process and its supervisor: one object in each process of the app. */
export class SupervisedProcess {
  static #current: SupervisedProcess | undefined
  #connection: (socket: Socket) => void = (socket) => socket.destroy()
  #drain: DrainListener = async () => {}
  #stats: () => ProcessStats = () => ({})
  #serve: () => void = () => {}
  #death: (death: ProcessDeath) => void = () => {}
  #isServing = false
  #isDraining = false
  readonly #trees = new Map<number, (tree: TreeStatus) => void>()

  private constructor() {
    for (const signal of groupSignals) process.on(signal, () => {})
    process.on('message', (order, socket) => this.#receive(order as Order, socket as Socket | undefined))
    process.once('disconnect', () => void this.#end({ reason: 'orphaned', idle: 0, timeout: orphanGrace }))
  }

  /** The one of this process; `undefined` when the process was not started by a supervisor. */
  static current(): SupervisedProcess | undefined {
    if (process.send !== undefined) SupervisedProcess.#current ??= new SupervisedProcess()
    return SupervisedProcess.#current
  }

  /** Its name in the tree, such as `web.1`; `ps` shows it too. */
  get name(): string {
    return process.title.replace(/^handcar: /, '')
  }

  /** The listener gets every connection that is handed over, paused. */
  onConnection(listener: (socket: Socket) => void): void {
    this.#connection = listener
  }

  /**
   * The listener finishes the work of the process within the time of the order, and may resolve to a report for the log. Then
   * the process exits.
   */
  onDrain(listener: DrainListener): void {
    this.#drain = listener
  }

  /**
   * The listener is called once, when every process of the release is ready and the release serves: the time to begin what must
   * not be done by a release that does not get so far.
   */
  onServe(listener: () => void): void {
    this.#serve = listener
  }

  /** The listener is told of each process of the tree that ends other than in good order, also of those that did so before. */
  onDeath(listener: (death: ProcessDeath) => void): void {
    this.#death = listener
  }

  /** The function is asked at each heartbeat; must be cheap. */
  reportStats(get: () => ProcessStats): void {
    this.#stats = get
  }

  /** The process can work. */
  ready(): void {
    this.#send({ type: 'ready' })
  }

  /** The process cannot start: the supervisor is told why, and the process exits with 1. */
  async fail(error: unknown): Promise<never> {
    await new Promise<void>((resolve) => {
      const report: Report = { type: 'failed', failure: describeFailure(error) }
      if (process.connected) process.send!(report, undefined, undefined, () => resolve())
      else resolve()
    })
    process.exit(1)
  }

  /** The whole tree, as the supervisor sees it. */
  treeStatus(): Promise<TreeStatus> {
    const id = this.#trees.size === 0 ? 1 : Math.max(...this.#trees.keys()) + 1
    return new Promise((resolve) => {
      this.#trees.set(id, resolve)
      this.#send({ type: 'tree', id })
    })
  }

  #send(report: Report): void {
    if (process.connected) process.send!(report)
  }

  #receive(order: Order, socket: Socket | undefined): void {
    if (order.type === 'connection') {
      this.#send({ type: 'accepted', id: order.id })
      // Nothing when the client has gone in the meantime.
      if (socket) this.#connection(socket)
    } else if (order.type === 'serve') {
      this.#beginToServe()
    } else if (order.type === 'death') {
      this.#death(order.death)
    } else if (order.type === 'ping') {
      // A supervisor of an older version says no more than that.
      this.#beginToServe()
      this.#send({ type: 'pong', rss: process.memoryUsage.rss(), stats: this.#stats() })
    } else if (order.type === 'drain') {
      void this.#end(order)
    } else if (order.type === 'tree') {
      this.#trees.get(order.id)?.(order.tree)
      this.#trees.delete(order.id)
    }
  }

  #beginToServe(): void {
    if (this.#isServing) return
    this.#isServing = true
    this.#serve()
  }

  async #end(order: DrainOrder): Promise<void> {
    if (order.reason === 'orphaned') setTimeout(() => process.exit(1), order.timeout).unref()
    if (this.#isDraining) return
    this.#isDraining = true
    let code = 0
    let report: object | undefined | void
    try {
      report = await this.#drain(order)
    } catch (error) {
      code = 1
      report = { error: describeFailure(error) }
    }
    if (!process.connected) process.exit(code)
    process.send!({ type: 'drained', report: report ?? {} } satisfies Report, undefined, undefined, () =>
      process.exit(code),
    )
  }
}
