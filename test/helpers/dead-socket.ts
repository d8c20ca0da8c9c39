import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Leaves behind the file of a unix socket on which nobody listens, as a process does that is killed. */
export async function bindAndDie(path: string): Promise<void> {
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  await promisify(execFile)(process.execPath, ['-e', program]).catch(() => {})
}
