/**
 * Resolves at the first SIGTERM or SIGINT, which then do not end the process; a second one ends it at once, as it would end a process that
 * does not know the signal (https://www.cons.org/cracauer/sigint.html). For a process that stops in good order without a supervisor.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isStopping = false
    const onSignal = (signal: NodeJS.Signals): void => {
      if (isStopping) return endBy(signal, onSignal)
      isStopping = true
      resolve(signal)
    }
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  })
}

/** Not by `process.exit()`: that waits for threads in the middle of SQLite, and was seen to abort on them. */
function endBy(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): void {
  process.off('SIGTERM', listener).off('SIGINT', listener)
  process.kill(process.pid, signal)
}
