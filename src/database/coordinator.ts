import { logger, option, readOptions, Service, socketPath, type Logger } from '../core/index.ts'
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
 */
export class Coordinator extends Service {
  readonly #path: string
  readonly #checkpointerOptions: ResolvedCheckpointerOptions | false
  readonly #logger: Logger
  #server: LeaseServer | undefined
  #checkpointer: Checkpointer | undefined

  /** @throws OptionsError */
  constructor(options: CoordinatorOptions) {
    super(5_000)
    const resolved = readOptions('Coordinator', options, {
      path: option.text(),
      checkpointer: readCheckpointer,
      logger,
    })
    this.#path = resolved.path
    this.#checkpointerOptions = resolved.checkpointer
    this.#logger = resolved.logger
  }

  /** What it has done. */
  stats(): CoordinatorStats {
    return {
      lease: this.#server?.stats() ?? { clients: 0, waiting: 0, grants: 0 },
      checkpointer: this.#checkpointer?.stats(),
    }
  }

  protected async open(): Promise<void> {
    const { path } = prepareLocation(this.#path)
    const server = new LeaseServer(socketPath(`${path}.coordinator`))
    await server.listen()
    this.#server = server
    if (this.#checkpointerOptions === false) return
    this.#checkpointer = new Checkpointer(
      path,
      this.#checkpointerOptions,
      this.#logger,
      (isRunning) => server.setCheckpointing(isRunning),
      () => server.fail(),
    )
    try {
      await this.#checkpointer.start()
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
}
