import { spawn } from 'node:child_process'
import { Service, StateError, version } from '../core/index.ts'
import { Coordinator } from '../database/index.ts'
import { Balancer } from './balancer.ts'
import type { CompanionHost } from './companion.ts'
import { controlSocketPath } from './control-protocol.ts'
import { ControlServer } from './control-server.ts'
import { Door } from './door.ts'
import { Generation } from './generation.ts'
import { Guard } from './guard.ts'
import type { DrainOutcome, Exit } from './managed-process.ts'
import { resolveOptions, type ResolvedSupervisorOptions, type SupervisorOptions } from './options.ts'
import { awaitSuccessor, declineTakeover, release, takeOver } from './predecessor.ts'
import { Program } from './program.ts'
import type { ProcessDeath } from './protocol.ts'
import { Seat } from './seat.ts'
import { ServiceManager } from './service-manager.ts'
import type { SlotHost } from './slot.ts'
import type { TreeStatus } from './status.ts'

/** What a reload came to. */
export interface ReloadReport {
  release: { folder: string; version?: string }
  /** Milliseconds until the new processes served, and until the old ones had ended. */
  served: number
  duration: number
  /** The old processes. */
  drained: DrainOutcome[]
}

/** Told what happens, in a few words. */
export type Progress = (message: string) => void

/** How many deaths of processes a new process is told of. */
const rememberedDeaths = 64

/** How long an idle keep-alive connection is left alone when everything stops, in milliseconds. */
const idleAtStop = 1_000

/**
 * The head of the process tree. It listens and hands each connection to a process, so that processes come and go without a
 * connection being refused; it starts again what dies, replaces what grows too large, reports what stands still, and looks after
 * the databases' write lease and checkpoints. It knows nothing of the app: a release is a folder and a list of processes.
 *
 * After a crash of the supervisor itself: its processes notice and end, the guard ends the rest, the kernel frees the port and
 * the lock, and the next start finds a clean place.
 */
export class Supervisor extends Service {
  readonly #options: ResolvedSupervisorOptions
  readonly #balancer = new Balancer()
  readonly #serviceManager: ServiceManager
  readonly #stopped: (() => void)[] = []
  #startedAt = performance.now()
  #door: Door | undefined
  #guard: Guard | undefined
  #seat: Seat | undefined
  #control: ControlServer | undefined
  #coordinators: { path: string; coordinator: Coordinator }[] = []
  #programs: Program[] = []
  /** The generation that serves; the one that boots; those that drain. */
  #generation: Generation | undefined
  #booting: Generation | undefined
  readonly #retiring = new Set<Generation>()
  /** How processes have ended other than in good order, the last ones. */
  readonly #deaths: ProcessDeath[] = []
  #heartbeat: NodeJS.Timeout | undefined
  /** The reload or upgrade that runs, and the reload that comes after it. */
  #operation: Promise<unknown> | undefined
  #nextReload: Promise<ReloadReport> | undefined
  #isKilled = false
  #isHandedOver = false

  /** @throws OptionsError */
  constructor(options: SupervisorOptions) {
    const resolved = resolveOptions(options)
    super(resolved.stopTimeout)
    this.#options = resolved
    this.#serviceManager = new ServiceManager(resolved.notifySocket, resolved.logger)
  }

  /** Where it listens: `http://127.0.0.1:3000`, `unix:/run/app.socket`. */
  get address(): string | undefined {
    return this.#door?.address
  }

  /** The listener is called when the supervisor has stopped, whoever stopped it. */
  onStopped(listener: () => void): void {
    this.#stopped.push(listener)
  }

  /**
   * Replaces all processes by new ones of the present release: prepares it, starts the new processes, and when every one of them
   * is ready drains the old ones. When anything fails the old ones go on as if nothing had been. A second call waits for the
   * first; further ones share the second.
   *
   * @throws StateError `HANDCAR_NOT_STARTED`, and whatever made the new release fail
   */
  reload(progress: Progress = () => {}): Promise<ReloadReport> {
    if (this.#operation === undefined) return this.#exclusively(() => this.#reload(progress))
    this.#nextReload ??= this.#operation.then(
      () => this.#startNextReload(progress),
      () => this.#startNextReload(progress),
    )
    return this.#nextReload
  }

  /**
   * Replaces the supervisor itself, and with it all processes: another supervisor is started by the option `successor`, inherits
   * the listening socket, and takes over when its processes are ready; this one then drains and stops. See `predecessor.ts`.
   *
   * @throws StateError `HANDCAR_UPGRADE_IMPOSSIBLE`, `HANDCAR_UPGRADE_FAILED`
   */
  async upgrade(progress: Progress = () => {}): Promise<{ pid: number }> {
    const { successor } = this.#options
    if (successor === undefined || process.pid === 1) {
      const reason =
        process.pid === 1 ? 'it is process 1, and its end is the end of the container' : 'no successor is set'
      throw new StateError('HANDCAR_UPGRADE_IMPOSSIBLE', `This supervisor cannot replace itself: ${reason}`)
    }
    while (this.#operation !== undefined) await this.#operation.catch(() => {})
    const pid = await this.#exclusively(() => this.#handOver(successor(), progress))
    progress('draining the old processes')
    await this.stop()
    return { pid }
  }

  /** Ends every process at once. A start that is underway fails, a stop that is underway is over soon. */
  kill(): void {
    this.#isKilled = true
    for (const generation of [this.#booting, this.#generation, ...this.#retiring]) generation?.kill()
    for (const each of [...this.#programs, ...this.#options.companions]) each.kill()
  }

  /** The whole tree at this moment. */
  status(): TreeStatus {
    const { release } = this.#generation ?? this.#booting ?? {}
    const generations = [this.#generation, this.#booting, ...this.#retiring].filter(
      (each) => each !== undefined,
    )
    return {
      pid: process.pid,
      version,
      state: this.#describeState(),
      uptime: Math.round(performance.now() - this.#startedAt),
      release: release && { folder: release.folder, version: release.version },
      address: this.address,
      rss: process.memoryUsage.rss(),
      waiting: this.#balancer.waiting,
      processes: generations.flatMap((generation) => generation.status()),
      programs: this.#programs.map((program) => program.status()),
      databases: this.#coordinators.map(({ path, coordinator }) => ({ path, ...coordinator.stats() })),
      companions: Object.fromEntries(
        this.#options.companions.map((companion) => [companion.name, companion.status()]),
      ),
    }
  }

  protected async open(): Promise<void> {
    this.#startedAt = performance.now()
    this.#isKilled = false
    this.#isHandedOver = false
    this.#guard = new Guard()
    const { listen } = this.#options
    this.#door = listen === false ? undefined : new Door(listen, this.#balancer)
    try {
      await (this.#options.isSuccessor ? this.#openAsSuccessor() : this.#openAlone())
    } catch (error) {
      const reason = this.#isKilled ? this.#wasStopped() : error
      this.kill()
      await this.#close(0)
      if (this.#options.isSuccessor) await declineTakeover(reason)
      throw reason
    }
    this.#heartbeat = setInterval(() => this.#beat(), this.#options.heartbeatInterval)
    await this.#serviceManager.ready(`serving ${this.address ?? ''}`)
  }

  protected async close(timeout: number): Promise<void> {
    if (!this.#isHandedOver) await this.#serviceManager.stopping()
    await this.#close(timeout)
    void this.#sayStopped()
  }

  /** Not before whoever asked for the stop was answered: the process may end with the last listener. */
  async #sayStopped(): Promise<void> {
    await this.#control?.finish()
    for (const listener of this.#stopped.splice(0)) listener()
  }

  async #openAlone(): Promise<void> {
    await this.#takeSeat()
    await this.#door?.open()
    await this.#boot(await this.#options.release(() => {}))
  }

  /** The seat belongs to the predecessor until this one is ready to serve. */
  async #openAsSuccessor(): Promise<void> {
    await this.#boot(await this.#options.release(() => {}))
    await this.#door?.open()
    await takeOver()
    await this.#takeSeat()
    await this.#startBesides()
  }

  async #boot(release: Generation['release']): Promise<void> {
    // The coordinators come after the preparation, which may have opened and closed the same files in this process: closing a
    // file drops every POSIX lock that the process has on it.
    if (!this.#options.isSuccessor) await this.#startBesides()
    const generation = this.#newGeneration(release)
    await generation.boot()
    this.#generation = generation
    this.#booting = undefined
    generation.serve()
  }

  #newGeneration(release: Generation['release']): Generation {
    if (this.#isKilled) throw this.#wasStopped()
    this.#booting = new Generation(release, this.#slotHost())
    return this.#booting
  }

  #wasStopped(): StateError {
    return new StateError('HANDCAR_STOPPED', 'The supervisor was told to stop while it started')
  }

  async #takeSeat(): Promise<void> {
    this.#seat = await Seat.take(this.#options.runFolder)
    this.#control = new ControlServer(controlSocketPath(this.#options.runFolder), {
      status: async () => this.status(),
      reload: (progress) => this.reload(progress),
      upgrade: (progress) => this.upgrade(progress),
      stop: () => this.stop(),
    })
    await this.#control.open()
  }

  async #startBesides(): Promise<void> {
    const { coordinators, programs, logger, restartDelay } = this.#options
    for (const options of coordinators)
      this.#coordinators.push({ path: options.path, coordinator: new Coordinator({ logger, ...options }) })
    // First who replicates a database, so that the coordinator does not checkpoint what was not replicated yet.
    for (const companion of this.#options.companions) await companion.start(this.#companionHost())
    for (const { coordinator } of this.#coordinators) await coordinator.start()
    this.#programs = programs.map((spec) => new Program(spec, this.#guard!, logger, restartDelay))
    for (const program of this.#programs) program.start()
  }

  #exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.state !== 'started') {
      return Promise.reject(new StateError('HANDCAR_NOT_STARTED', 'The supervisor does not run'))
    }
    const operation = work().finally(() => (this.#operation = undefined))
    this.#operation = operation
    return operation
  }

  #startNextReload(progress: Progress): Promise<ReloadReport> {
    this.#nextReload = undefined
    return this.reload(progress)
  }

  async #reload(progress: Progress): Promise<ReloadReport> {
    const { logger, release: nextRelease, drainIdle: idle, stopTimeout: timeout } = this.#options
    const startedAt = performance.now()
    try {
      await this.#serviceManager.reloading()
      progress('preparing the release')
      const generation = this.#newGeneration(await nextRelease(progress))
      const { release } = generation
      progress(
        `starting ${release.processes.reduce((sum, { count }) => sum + count, 0)} processes of ${release.folder}`,
      )
      await generation.boot()
      const old = this.#generation!
      this.#generation = generation
      this.#booting = undefined
      this.#retiring.add(old)
      generation.serve()
      const served = Math.round(performance.now() - startedAt)
      progress(`serving after ${served} ms; draining the old processes`)
      const drained = await old.drain({ reason: 'reload', idle, timeout })
      this.#retiring.delete(old)
      const duration = Math.round(performance.now() - startedAt)
      logger.info({ release: release.folder, served, duration, ...summaryOf(drained) }, 'Reloaded')
      return { release: { folder: release.folder, version: release.version }, served, duration, drained }
    } catch (error) {
      this.#booting = undefined
      logger.error({ error: String(error) }, 'The reload failed; the running release goes on')
      throw error
    } finally {
      if (this.state === 'started') await this.#serviceManager.ready(`serving ${this.address ?? ''}`)
    }
  }

  async #handOver(
    { command, args, cwd, environment }: ReturnType<NonNullable<SupervisorOptions['successor']>>,
    progress: Progress,
  ): Promise<number> {
    progress('starting the new supervisor')
    const child = spawn(command, args, {
      cwd,
      env: environment,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', this.#door?.descriptor ?? 'ignore'],
    })
    try {
      await awaitSuccessor(child)
    } catch (error) {
      child.kill('SIGKILL')
      this.#options.logger.error(
        { error: String(error) },
        'The new supervisor did not start; this one goes on',
      )
      throw error
    }
    this.#isHandedOver = true
    this.#door?.close()
    await this.#stopBesides(this.#options.stopTimeout)
    await this.#leaveSeat()
    release(child)
    child.unref()
    return child.pid!
  }

  #slotHost(): SlotHost {
    const { logger, bootTimeout, restartDelay, blockedAfter, blockedTimeout, drainIdle, stopTimeout } =
      this.#options
    return {
      logger,
      bootTimeout,
      limits: { restartDelay, blockedAfter, blockedTimeout, drainIdle, stopTimeout },
      tree: () => this.status(),
      begun: (managed) => this.#guard?.watch(managed.pid!),
      ended: (managed, exit) => {
        this.#guard?.forget(managed.pid!)
        if (managed.pid !== undefined) this.#tellDeath(managed.pid, exit)
      },
      ready: (managed) => {
        managed.serve(this.#deaths)
        if (managed.spec.acceptsConnections) this.#balancer.add(managed)
      },
      gone: (managed) => this.#balancer.remove(managed),
    }
  }

  /** The processes that live give the work of one that has died to others; those that come later look for it. */
  #tellDeath(pid: number, { code, signal }: Exit): void {
    if (code === 0) return
    const death: ProcessDeath = { pid, ...(signal === null ? { exitCode: code ?? 0 } : { signal }) }
    this.#deaths.push(death)
    if (this.#deaths.length > rememberedDeaths) this.#deaths.shift()
    for (const generation of [this.#generation, ...this.#retiring]) generation?.tell(death)
  }

  #lastBeatAt = performance.now()

  #beat(): void {
    const now = performance.now()
    const pause = now - this.#lastBeatAt
    this.#lastBeatAt = now
    // After a pause of the supervisor itself (a suspended machine) the answers may be waiting to be read.
    if (pause > 2 * this.#options.heartbeatInterval) return
    this.#generation?.check()
  }

  #describeState(): TreeStatus['state'] {
    if (this.state === 'starting') return 'starting'
    if (this.state === 'started') return this.#operation === undefined ? 'running' : 'reloading'
    return 'stopping'
  }

  async #stopBesides(timeout: number): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop(timeout)))
    await Promise.all(
      this.#options.companions.map((companion) =>
        companion.stop(timeout, { isHandedOver: this.#isHandedOver }),
      ),
    )
    for (const { coordinator } of this.#coordinators.splice(0)) await coordinator.stop()
  }

  #companionHost(): CompanionHost {
    return {
      coordinator: (path) => this.#coordinators.find((each) => each.path === path)?.coordinator,
      watch: (pid) => this.#guard?.watch(pid),
      forget: (pid) => this.#guard?.forget(pid),
    }
  }

  async #leaveSeat(): Promise<void> {
    this.#control?.close()
    await this.#seat?.leave()
    this.#seat = undefined
  }

  async #close(timeout: number): Promise<void> {
    clearInterval(this.#heartbeat)
    await (this.#isHandedOver ? this.#door?.close() : this.#door?.abandon())
    const order = {
      reason: this.#isHandedOver ? 'reload' : 'stop',
      idle: Math.min(timeout, this.#isHandedOver ? this.#options.drainIdle : idleAtStop),
      timeout,
    } as const
    const generations = [this.#booting, this.#generation, ...this.#retiring].filter(
      (each) => each !== undefined,
    )
    const drained = await Promise.all(generations.map((generation) => generation.drain(order)))
    this.#options.logger.info(summaryOf(drained.flat()), 'Stopped')
    this.#balancer.close()
    this.#booting = undefined
    this.#generation = undefined
    await this.#stopBesides(timeout)
    await this.#leaveSeat()
    this.#guard?.[Symbol.dispose]()
    this.#door = undefined
  }
}

/** For the log; the processes themselves say what they had to cut. */
function summaryOf(drained: readonly DrainOutcome[]): Record<string, unknown> {
  const killed = drained.filter(({ wasKilled }) => wasKilled).map(({ name }) => name)
  return { drained: drained.length, ...(killed.length > 0 && { killed }) }
}
