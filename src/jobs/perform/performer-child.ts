import { fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker as Thread } from 'node:worker_threads'
import type { PerformerOrder, PerformerReport } from './performer-protocol.ts'

/** A thread or a process died while it performed a job. */
export class CrashError extends Error {
  override name = 'CrashError'
}

const extension = extname(import.meta.url)
const programOf = (kind: 'thread' | 'process'): URL =>
  new URL(`./performer-${kind}${extension}`, import.meta.url)

/** The parent's side of a thread or process that performs jobs, one at a time. */
export interface PerformerChild {
  /** Set when it has ended. */
  readonly isDead: boolean
  send(order: PerformerOrder): void
  /** Hears its reports, and of its end with how it came about. */
  listen(onReport: (report: PerformerReport) => void, onEnd: (how: string) => void): void
  /** Keeps this process alive, or does not. */
  hold(isHeld: boolean): void
  kill(): void
}

/**
 * Starts a thread.
 *
 * @param largestHeap In bytes; a job that needs more ends its thread, and nothing else.
 */
export function startThread(largestHeap: number | undefined): PerformerChild {
  const resourceLimits =
    largestHeap === undefined ? {} : { maxOldGenerationSizeMb: Math.ceil(largestHeap / 1_048_576) }
  const thread = new Thread(programOf('thread'), { resourceLimits })
  let isDead = false
  let how: string | undefined
  thread.on('error', (error) => (how = `with ${String(error)}`))
  return {
    get isDead() {
      return isDead
    },
    send: (order) => thread.postMessage(order),
    listen(onReport, onEnd) {
      thread.on('message', onReport)
      thread.on('exit', (code) => {
        isDead = true
        onEnd(how ?? `with code ${code}`)
      })
    },
    hold: (isHeld) => (isHeld ? thread.ref() : thread.unref()),
    kill: () => void thread.terminate(),
  }
}

/** Starts a process. */
export function startProcess(): PerformerChild {
  const child = fork(fileURLToPath(programOf('process')), {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let isDead = false
  return {
    get isDead() {
      return isDead
    },
    send: (order) => void child.send(order, () => {}),
    listen(onReport, onEnd) {
      child.on('message', (message) => onReport(message as PerformerReport))
      child.once('error', (error) => {
        isDead = true
        onEnd(`with ${String(error)}`)
      })
      child.once('exit', (code, signal) => {
        isDead = true
        onEnd(signal === null ? `with code ${code}` : `by ${signal}`)
      })
    },
    hold(isHeld) {
      if (isHeld) {
        child.ref()
        child.channel?.ref()
      } else {
        child.unref()
        child.channel?.unref()
      }
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
