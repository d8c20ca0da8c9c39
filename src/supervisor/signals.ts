import { closeSync, openSync } from 'node:fs'
import type { Supervisor } from './supervisor.ts'

/**
 * Lets the operating system's signals govern a supervisor until it has stopped: TERM and INT stop it, a second one at once; HUP
 * reloads, unless it says that the terminal in which the supervisor was started has been closed; USR1 stays Node's own (the
 * inspector). Call it before `start()`, so that a signal ends a start too.
 */
export async function obeySignals(supervisor: Supervisor): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let isStopping = false
  const stop = (): void => {
    if (isStopping || supervisor.state === 'starting') supervisor.kill()
    isStopping = true
    supervisor.stop().catch(resolve)
  }
  // The supervisor logs why a reload failed.
  const reload = (): void => void supervisor.reload().catch(() => {})
  const hangUp = process.stdout.isTTY ? () => (hasTerminal() ? reload() : stop()) : reload
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', hangUp)
  supervisor.onStopped(resolve)
  await promise
  process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', hangUp)
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
