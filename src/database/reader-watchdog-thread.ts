/**
 * Ends a reader process whose parent has died. Its main thread may be inside a long query and hear nothing, so a thread
 * looks, once a second, whether the process still has the parent that it began with.
 */
const parent = process.ppid

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, 1_000)
