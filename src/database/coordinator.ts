import { logger, option, readOptions, Service, socketPath, type Logger } from '../core/index.ts'
import { defaultWalLimit, restartWindow, type CheckpointDuty } from './checkpoint-duty.ts'
import { Checkpointer, type CheckpointerStats } from './checkpointer.ts'
import { LeaseServer } from './lease-server.ts'
import { prepareLocation } from './location.ts'
import { readCheckpointer, type CheckpointerOptions, type ResolvedCheckpointerOptions } from './options.ts'

/** Options of {@link Coordinator}. */
export interface CoordinatorOptions {
  /** Path of the database file. */
  path: string
  /** The checkpointing thread; `false` for none. */
  checkpointer?: CheckpointerOptions | false
  /** Default: warnings and errors on standard error. */
  logger?: Logger
}

/** What a coordinator has done. */
export interface CoordinatorStats {
  /** Processes that are connected, that wait for the write lease, and how often it was granted. */
  lease: { clients: number; waiting: number; grants: number }
  checkpointer: CheckpointerStats | undefined
}

/**
 * Serves all processes on one database file: it grants the write lease in turn, and checkpoints. Run it in a process that
 * serves no requests, such as the primary of a cluster. A `Database` finds it by itself, also when it starts later, and
 * works without it, only less fairly.
 *
 * Who replicates the WAL has to be its only checkpointer: `giveWay()` before they begin, `awaitReplicator()` when they have ended,
 * `takeOver()` when they do not come back. How and why: `checkpoint-duty.ts`.
 */
export class Coordinator extends Service {
  readonly #path: string
  /** `false` when the coordinator is not to checkpoint. */
  readonly #options: ResolvedCheckpointerOptions | false
  readonly #logger: Logger
  readonly #replaced: (() => void)[] = []
  readonly #largeWal: (() => void)[] = []
  #server: LeaseServer | undefined
  #checkpointer: Checkpointer | undefined
  #duty: CheckpointDuty = { kind: 'checkpoint' }
  #isRunning = false

  /** @throws OptionsError */
  constructor(options: CoordinatorOptions) {
    super(5_000)
    const resolved = readOptions('Coordinator', options, {
      path: option.text(),
      checkpointer: readCheckpointer,
      logger,
    })
    this.#path = resolved.path
    this.#options = resolved.checkpointer
    this.#logger = resolved.logger
  }

  /** What it has done. */
  stats(): CoordinatorStats {
    return {
      lease: this.#server?.stats() ?? { clients: 0, waiting: 0, grants: 0 },
      checkpointer: this.#isThreadNeeded ? this.#checkpointer?.stats() : undefined,
    }
  }

  /**
   * Somebody who replicates the WAL checkpoints from now on, and may begin when this has resolved: the coordinator does not any
   * more, and the other processes were told. Called before `start()`, the coordinator starts like that.
   *
   * @param options `walLimit`: bytes of the WAL above which the writers of all processes pause for up to a second, so that a
   * checkpoint can complete. Default: 64 MB
   */
  giveWay({ walLimit = defaultWalLimit }: { walLimit?: number } = {}): Promise<void> {
    return this.#assign({ kind: 'watch', walLimit })
  }

  /**
   * Whoever replicated has ended, and is started again: nobody checkpoints until {@link giveWay} is called again, or `after`
   * milliseconds have passed (default: 30,000), or the WAL is over its limit. Then the coordinator does.
   */
  awaitReplicator({ walLimit = defaultWalLimit, after = restartWindow } = {}): Promise<void> {
    return this.#assign({ kind: 'wait', walLimit, after })
  }

  /** Nobody replicates any more: the coordinator checkpoints from now on. */
  takeOver(): Promise<void> {
    return this.#assign({ kind: 'checkpoint' })
  }

  /** The listener is called when the file of the database has been deleted or replaced by another one while it was open. */
  onReplaced(listener: () => void): void {
    this.#replaced.push(listener)
  }

  /**
   * The listener is called when the WAL under somebody else's checkpoints is over half of its limit, up to four times a second, and when
   * writers begin to pause for it: a checkpoint now spares them the wait.
   */
  onLargeWal(listener: () => void): void {
    this.#largeWal.push(listener)
  }

  protected async open(): Promise<void> {
    const { path } = prepareLocation(this.#path)
    const server = new LeaseServer(socketPath(`${path}.coordinator`))
    await server.listen()
    this.#server = server
    this.#checkpointer = this.#newCheckpointer(path)
    try {
      if (this.#isThreadNeeded) await this.#checkpointer.start(this.#duty)
      this.#tell()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  protected async close(): Promise<void> {
    await this.#checkpointer?.stop()
    await this.#server?.close()
    this.#checkpointer = undefined
    this.#server = undefined
  }

  async #assign(duty: CheckpointDuty): Promise<void> {
    this.#duty = duty
    // The clients first: the checkpointer of one of them may run while ours does not.
    this.#tell()
    if (this.#isThreadNeeded) await this.#checkpointer?.start(duty)
    else await this.#checkpointer?.stop()
    this.#tell()
  }

  /** Also where no checkpointer is wanted somebody has to watch the WAL for the writers. */
  get #isThreadNeeded(): boolean {
    return this.#options !== false || this.#duty.kind !== 'checkpoint'
  }

  /** Tells the clients who checkpoints. */
  #tell(): void {
    const isReplicating = this.#duty.kind !== 'checkpoint'
    if (isReplicating) this.#server?.setReplicating()
    else this.#server?.setCheckpointing(this.#isRunning && this.#options !== false)
  }

  #newCheckpointer(path: string): Checkpointer {
    const options = this.#options === false ? readCheckpointer({}, 'checkpointer') : this.#options
    return new Checkpointer(path, options as ResolvedCheckpointerOptions, this.#logger, {
      onRunning: (isRunning) => {
        this.#isRunning = isRunning
        this.#tell()
      },
      onTookOver: () => {
        this.#duty = { kind: 'checkpoint' }
        this.#tell()
      },
      onPause: (isPaused) => {
        this.#server?.setPaused(isPaused)
        if (isPaused) this.#tellLargeWal()
      },
      onLargeWal: () => this.#tellLargeWal(),
      onFailure: () => this.#server?.fail(),
      onReplaced: () => {
        for (const listener of this.#replaced) listener()
      },
    })
  }

  #tellLargeWal(): void {
    for (const listener of this.#largeWal) listener()
  }
}
