import { constants, watch, write, type FSWatcher } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { longestTimer, type Logger } from '../core/index.ts'

/** Why a listener is called. */
export interface CommitNotice {
  /**
   * What was changed, as the writers named it with `tx.touch`; `undefined` when another process committed: anything may
   * have changed.
   */
  topics: ReadonlySet<string> | undefined
  /** `here`: this process; `elsewhere`: another process of handcar; `stranger`: a program that is not handcar. */
  origin: 'here' | 'elsewhere' | 'stranger'
}

/** Called after a commit. A listener that throws is logged. */
export type CommitListener = (notice: CommitNotice) => void

interface Subscription {
  listener: CommitListener
  topics: ReadonlySet<string> | undefined
}

const byte = Buffer.of(0)
/** Not `a+`: with O_APPEND Linux appends whatever position a write names (pwrite(2)), and the file would grow for ever. */
const { O_RDWR, O_CREAT } = constants

/**
 * Wake on commit, so that nobody polls.
 *
 * - This process hears of its own commits at once, by a call.
 * - Other processes hear through one byte written to `<database>.wake` after COMMIT, which they watch (inotify). Watching
 *   the WAL itself would fire before the commit can be seen, and stop when SQLite replaces the file.
 * - Programs that are not handcar write no byte; `PRAGMA data_version` shows their commits, asked on a slow timer while
 *   anybody listens.
 *
 * A notice says "look again": it may come more often than there were commits, never less.
 */
export class Wake {
  readonly #path: string
  readonly #logger: Logger
  readonly #dataVersion: () => number
  readonly #interval: number
  readonly #subscriptions = new Set<Subscription>()
  #file: FileHandle | undefined
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #isPending = false
  #knownVersion = 0

  /**
   * @param path Absolute path of the database.
   * @param dataVersion Reads `PRAGMA data_version` on the writer's connection, where only the commits of others change it.
   * @param interval How often strangers are looked for, in milliseconds.
   */
  constructor(path: string, dataVersion: () => number, interval: number, logger: Logger) {
    this.#path = `${path}.wake`
    this.#dataVersion = dataVersion
    this.#interval = interval
    this.#logger = logger
  }

  /** Opens the wake file. */
  async open(): Promise<void> {
    this.#file = await open(this.#path, O_RDWR | O_CREAT, 0o660)
    if (this.#subscriptions.size > 0) this.#listen()
  }

  /** Calls `listener` after commits that touch one of `topics`, or after every commit. Returns what ends it. */
  subscribe(topics: readonly string[] | undefined, listener: CommitListener): () => void {
    const subscription = { listener, topics: topics && new Set(topics) }
    this.#subscriptions.add(subscription)
    if (this.#file) this.#listen()
    return () => {
      this.#subscriptions.delete(subscription)
      if (this.#subscriptions.size === 0) this.#rest()
    }
  }

  /** Says that this process has committed. */
  committed(topics: ReadonlySet<string>): void {
    this.#notify({ topics, origin: 'here' })
    if (this.#writing) this.#isPending = true
    else this.#writeByte()
  }

  /** Stops watching and closes the wake file. */
  async close(): Promise<void> {
    this.#rest()
    const file = this.#file
    this.#file = undefined
    await this.#writing
    await file?.close()
  }

  #listen(): void {
    if (this.#watcher) return
    this.#knownVersion = this.#dataVersion()
    this.#watcher = watch(this.#path, { persistent: false }, () => this.#look('elsewhere'))
    this.#timer = setInterval(() => this.#look('stranger'), Math.min(this.#interval, longestTimer))
    this.#timer.unref()
  }

  #rest(): void {
    this.#watcher?.close()
    this.#watcher = undefined
    clearInterval(this.#timer)
  }

  /** Tells of commits of others; our own byte comes back as an event too, and is told apart by the version. */
  #look(origin: 'elsewhere' | 'stranger'): void {
    const version = this.#dataVersion()
    if (version === this.#knownVersion) return
    this.#knownVersion = version
    this.#notify({ topics: undefined, origin })
  }

  #notify(notice: CommitNotice): void {
    for (const { listener, topics } of this.#subscriptions) {
      if (topics && notice.topics && topics.isDisjointFrom(notice.topics)) continue
      try {
        listener(notice)
      } catch (error) {
        this.#logger.error({ error: String(error) }, 'a listener of commits failed')
      }
    }
  }

  #writeByte(): void {
    const file = this.#file
    if (!file) return
    this.#isPending = false
    this.#writing = new Promise((resolve) => {
      write(file.fd, byte, 0, 1, 0, () => {
        this.#writing = undefined
        resolve()
        if (this.#isPending) this.#writeByte()
      })
    })
  }
}
