import { readdirSync, readFileSync } from 'node:fs'

/** Whether a process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  return !['', 'Z'].includes(statusOf(pid).state)
}

/** Processes whose parent is `parent` and whose command line contains `part`. */
export function childrenOf(parent: number, part: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && statusOf(pid).parent === parent && commandOf(pid).includes(part))
}

function statusOf(pid: number): { state: string; parent: number } {
  const [state = '', parent = ''] = read(`/proc/${pid}/stat`).split(') ').at(-1)!.split(' ')
  return { state, parent: Number(parent) }
}

const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`)

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
