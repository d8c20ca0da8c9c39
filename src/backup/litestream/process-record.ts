import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Which process Litestream is, written down for who comes after a crash. */
export interface ProcessRecord {
  pid: number
  /** When it began, as the system tells it: a pid alone may be that of another process by now. */
  startedAt: string
  version: string
}

const run = promisify(execFile)

/** When a process began, in words that only this process has; `undefined` when there is none of that pid, or a dead one. */
export async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return await startByPs(pid)
  try {
    // Field 22 of https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, counted after the name, which may contain anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

async function startByPs(pid: number): Promise<string | undefined> {
  const printed = await run('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(pid)]).catch(() => undefined)
  const [state, ...start] = printed?.stdout.trim().split(/\s+/) ?? []
  return state === undefined || state.startsWith('Z') ? undefined : start.join(' ')
}

/** Writes down which process it is. */
export async function writeRecord(path: string, record: ProcessRecord): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** The process that was written down last, if it still lives. */
export async function livingRecord(path: string): Promise<ProcessRecord | undefined> {
  const record = await readFile(path, 'utf8').then(parse, () => undefined)
  if (record === undefined) return undefined
  return (await startOf(record.pid)) === record.startedAt ? record : undefined
}

/**
 * Ends a process: asks it, and kills it after `grace` milliseconds. Resolves when it is gone. It is no child of ours, so that it is
 * looked at until then; before each signal it is made sure that the pid is still its own.
 */
export async function endRecorded({ pid, startedAt }: ProcessRecord, grace: number): Promise<void> {
  const lives = async (): Promise<boolean> => (await startOf(pid)) === startedAt
  const killAt = performance.now() + grace
  signal(pid, 'SIGTERM')
  while (await lives()) {
    if (performance.now() >= killAt) signal(pid, 'SIGKILL')
    await sleep(20)
  }
}

/** Removes what was written down. */
export async function removeRecord(path: string): Promise<void> {
  await rm(path, { force: true })
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended meanwhile.
  }
}

function parse(text: string): ProcessRecord | undefined {
  try {
    const { pid, startedAt, version } = JSON.parse(text) as Partial<ProcessRecord>
    const isWhole = Number.isInteger(pid) && typeof startedAt === 'string' && typeof version === 'string'
    return isWhole ? { pid: pid!, startedAt, version } : undefined
  } catch {
    return undefined
  }
}
