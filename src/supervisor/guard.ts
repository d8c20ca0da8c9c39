import { spawn, type ChildProcess } from 'node:child_process'

/**
 * Sees to it that nothing outlives the supervisor, also when that is killed with SIGKILL: a shell (about 1 MB) that reads the
 * pids to look after from a pipe. The kernel closes the pipe when the supervisor ends, in whatever way; the shell then ends
 * what is left, politely first. Processes of the app notice by themselves that their IPC channel closed and end within that
 * second; the guard is for those whose event loop stands still, and for programs that know nothing of a supervisor.
 */
const script = `
trap '' INT TERM HUP
pids=
while read -r sign pid; do
  case $sign in
    +) pids="$pids $pid" ;;
    -) rest=; for each in $pids; do [ "$each" = "$pid" ] || rest="$rest $each"; done; pids=$rest ;;
  esac
done
[ -n "$pids" ] || exit 0
kill -TERM $pids 2>/dev/null
sleep 1
kill -KILL $pids 2>/dev/null
`

/** Ends the processes that it was told of when the supervisor dies. Where there is no shell it does nothing. */
export class Guard {
  readonly #shell: ChildProcess

  constructor() {
    this.#shell = spawn('/bin/sh', ['-c', script, 'handcar-guard'], { stdio: ['pipe', 'ignore', 'ignore'] })
    this.#shell.on('error', () => {})
    this.#shell.stdin!.on('error', () => {})
    this.#shell.unref()
  }

  /** Looks after a process from now on. */
  watch(pid: number): void {
    this.#write(`+ ${pid}\n`)
  }

  /** The process has ended. */
  forget(pid: number): void {
    this.#write(`- ${pid}\n`)
  }

  /** Ends the guard; what it still watches is ended too. */
  [Symbol.dispose](): void {
    this.#shell.stdin?.end()
  }

  #write(line: string): void {
    if (this.#shell.stdin?.writable) this.#shell.stdin.write(line)
  }
}
