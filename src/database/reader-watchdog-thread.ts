import { workerData } from 'node:worker_threads'

/**
 * Ends a reader process whose parent has died. Its main thread may be inside a long query and hear nothing, so a thread
 * looks, once a second, whether the process still has the parent that started it and named itself on the command line:
 * asking here who the parent is could come too late.
 */
const { parent } = workerData as { parent: number }

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, 1_000)
