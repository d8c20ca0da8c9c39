import { fork, type ChildProcess } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HandcarError, longestTimer, TimeoutError } from '../core/index.ts'
import { sqliteError } from './driver.ts'
import type { ReaderAnswer, ReaderRequest } from './reader-process.ts'

const program = fileURLToPath(new URL(`./reader-process${extname(import.meta.url)}`, import.meta.url))

/** Until when an answer is waited for. */
export interface Patience {
  /** `performance.now()` after which the process is killed. */
  deadline: number
  /** Kills the process when it aborts. */
  signal: AbortSignal | undefined
}

/** The parent's side of one reader process: one request at a time. */
export class ReaderChild {
  readonly #process: ChildProcess
  /** Set when the process has ended or was killed. */
  isDead = false
  #killedFor: Error | undefined

  constructor() {
    this.#process = fork(program, [String(process.pid)], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#process.once('exit', () => {
      this.isDead = true
    })
    this.#process.unref()
    this.#process.channel?.unref()
  }

  /** Process id, for reports about who holds a snapshot. */
  get pid(): number | undefined {
    return this.#process.pid
  }

  /**
   * Sends a request and waits for its answer. When that takes too long or is cancelled, the process is killed: that ends
   * the query at once.
   *
   * @throws TimeoutError `HANDCAR_QUERY_TIMEOUT`; HandcarError `HANDCAR_QUERY_CRASHED`; the signal's reason; SQLite's errors
   */
  ask(
    request: ReaderRequest,
    { deadline, signal }: Patience,
  ): Promise<{ columns: string[]; rows: unknown[][] }> {
    const child = this.#process
    const startedAt = performance.now()
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', cancel)
        child.off('message', receive)
        child.off('exit', crash)
        child.off('error', crash)
        child.channel?.unref()
      }
      const kill = (error: unknown): void => {
        this.kill()
        end()
        reject(error)
      }
      const receive = (answer: ReaderAnswer): void => {
        end()
        if ('error' in answer) reject(sqliteError(answer.error.message, answer.error.code || 'SQLITE_ERROR'))
        else resolve(answer)
      }
      const crash = (): void => kill(this.#killedFor ?? crashed(child.pid))
      const cancel = (): void => kill(signal!.reason)
      const patience = Math.min(Math.max(0, deadline - startedAt), longestTimer)
      const timer = setTimeout(() => kill(tooSlow(startedAt)), patience)
      if (signal?.aborted) return cancel()
      signal?.addEventListener('abort', cancel, { once: true })
      child.on('message', receive)
      child.once('exit', crash)
      child.once('error', crash)
      child.channel?.ref()
      if (this.isDead || !child.connected) crash()
      else child.send(request)
    })
  }

  /** Ends the process now, and the request that it may be working on with `reason`. */
  kill(reason?: Error): void {
    this.isDead = true
    this.#killedFor ??= reason
    this.#process.kill('SIGKILL')
  }
}

function crashed(pid: number | undefined): HandcarError {
  return new HandcarError('HANDCAR_QUERY_CRASHED', `The reader process ${pid} ended during a query`)
}

function tooSlow(startedAt: number): TimeoutError {
  return new TimeoutError(
    'HANDCAR_QUERY_TIMEOUT',
    `A query was ended after ${Math.round(performance.now() - startedAt)} ms: its time limit`,
  )
}
