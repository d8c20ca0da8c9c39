import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** What Linux tells of processes in `/proc`. Every function throws for a process that has ended. */

/** The kernel counts CPU time for programs in hundredths of a second, whatever it uses itself. */
const ticksPerSecond = 100

/** Memory of a process, in bytes. */
export interface Memory {
  /** What is in memory; pages shared with other processes count in each of them. */
  readonly rss: number
  /** The same, but a page that is shared by n processes counts as 1/n: the sum over processes is what they take together. */
  readonly pss: number
  /** What would be free again if this process ended. */
  readonly own: number
}

/** Whether there is a `/proc` to read. */
export function hasProc(): boolean {
  return existsSync('/proc/self/stat')
}

/** Processes that this one has started and that still run, of all its threads. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    read(pid, `task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  )
}

/** The process and all its descendants, parents first. */
export function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)]
}

/** Whether there is still such a process. */
export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`)
}

/** User and system time of the process so far, in seconds. */
export function cpuSeconds(pid: number): number {
  return ticksOf(read(pid, 'stat')) / ticksPerSecond
}

/** User and system time in a line of `/proc/<pid>/stat`, in ticks. The name in it may contain anything. */
export function ticksOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

/** Bytes that the process caused to be written to a disk so far, also through files that are mapped into memory. */
export function writtenBytes(pid: number): number {
  return numberAfter(read(pid, 'io'), 'write_bytes')
}

/** How often the process has waited for something so far, in all threads: each time is a wake-up. */
export function wakeUps(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => numberAfter(read(pid, `task/${thread}/status`), 'voluntary_ctxt_switches'))
    .reduce((sum, count) => sum + count, 0)
}

/** The process's memory. */
export function memoryOf(pid: number): Memory {
  const rollup = read(pid, 'smaps_rollup')
  const bytes = (name: string): number => numberAfter(rollup, name) * 1024
  return { rss: bytes('Rss'), pss: bytes('Pss'), own: bytes('Private_Clean') + bytes('Private_Dirty') }
}

/** The words of its command line. */
export function commandOf(pid: number): string[] {
  return read(pid, 'cmdline').split('\0')
}

/** The number after `name:` at the beginning of a line. */
export function numberAfter(text: string, name: string): number {
  const match = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)
  if (!match) throw new Error(`There is no ${name} in ${text.slice(0, 80)}`)
  return Number(match[1])
}

function read(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8')
}
