import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HandcarError, standardLogger } from '../core/index.ts'
import type { ContentAnswer, ContentRequest } from './content-process.ts'
import type { ContentReport } from './content-survey.ts'
import { explain } from './file-tasks.ts'
import { findExtensions } from './extensions.ts'
import type { Extension } from './options.ts'

export type { ContentReport } from './content-survey.ts'

const program = fileURLToPath(new URL(`./content-process${extname(import.meta.url)}`, import.meta.url))

/** How a database is compared. */
export interface ContentComparisonOptions {
  /** Extensions that its tables and indexes need. Default: none. */
  extensions?: readonly Extension[]
  /** Ends it at once. */
  signal?: AbortSignal | undefined
}

/**
 * Compares the content of a database that is in use with a copy that was made of it meanwhile, row by row, in a process of its own and
 * without a long read: `begin`, make the copy, `compare`. How: `content-survey.ts`.
 *
 * A difference in the first copy can be one of rows that have changed and changed back: then `watch`, make another copy, `compare`.
 */
export class ContentComparison implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #path: string
  readonly #signal: AbortSignal | undefined

  private constructor(path: string, signal: AbortSignal | undefined) {
    this.#path = path
    this.#signal = signal
    this.#child = fork(program, [String(process.pid)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.unref()
    this.#child.channel?.unref()
  }

  /**
   * Reads the database for the first time.
   *
   * @throws CorruptionError `HANDCAR_DATABASE_CORRUPT`; HandcarError `HANDCAR_FILE_TASK_FAILED`; the signal's reason
   */
  static async begin(path: string, options: ContentComparisonOptions = {}): Promise<ContentComparison> {
    const extensions = await findExtensions(options.extensions ?? [], standardLogger)
    options.signal?.throwIfAborted()
    const comparison = new ContentComparison(path, options.signal)
    try {
      await comparison.#ask({ kind: 'begin', path, extensions })
      return comparison
    } catch (error) {
      await comparison[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Begins to look again and again at what differed; another copy is made after that. Throws as `begin` does. */
  async watch(): Promise<void> {
    await this.#ask({ kind: 'watch' })
  }

  /** Compares the database with a copy that nobody writes. Throws as `begin` does, also for a copy that is damaged. */
  async compare(copy: string): Promise<ContentReport> {
    return (await this.#ask({ kind: 'compare', path: copy }))!
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const ended = once(child, 'exit')
    child.ref()
    child.kill('SIGKILL')
    await ended
  }

  async #ask(request: ContentRequest): Promise<ContentReport | undefined> {
    const child = this.#child
    const { promise, resolve, reject } = Promise.withResolvers<ContentReport | undefined>()
    const cancel = (): void => reject(this.#signal!.reason as Error)
    const end = (code: number | null, name: string | null): void =>
      reject(this.#failed(`it ended with ${name ?? `exit code ${code}`}`))
    const fail = (error: Error): void => reject(this.#failed(String(error)))
    const receive = (answer: ContentAnswer): void => {
      if ('error' in answer)
        reject(explain(answer.error, request.kind === 'compare' ? request.path : this.#path))
      else resolve(answer.report)
    }
    this.#signal?.addEventListener('abort', cancel, { once: true })
    child.once('exit', end).once('error', fail).once('message', receive)
    child.ref()
    child.channel?.ref()
    try {
      this.#signal?.throwIfAborted()
      if (child.connected) child.send(request)
      else end(child.exitCode, child.signalCode)
      return await promise
    } finally {
      this.#signal?.removeEventListener('abort', cancel)
      child.off('exit', end).off('error', fail).off('message', receive)
      child.unref()
      child.channel?.unref()
    }
  }

  #failed(how: string): HandcarError {
    return new HandcarError(
      'HANDCAR_FILE_TASK_FAILED',
      `The process that compared ${this.#path} failed: ${how}`,
    )
  }
}
