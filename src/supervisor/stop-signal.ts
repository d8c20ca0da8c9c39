/**
 * Resolves at the first SIGTERM or SIGINT, which then do not end the process; a second one ends it at once. For a process that stops in
 * good order without a supervisor.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isStopping = false
    const onSignal = (signal: NodeJS.Signals): void => {
      if (isStopping) process.exit(130)
      isStopping = true
      resolve(signal)
    }
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  })
}
