import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { bootId, StateError } from '../../core/index.ts'

/** A process that nobody else is taken for. */
export interface RecordedProcess {
  pid: number
  /** When it began, as the system tells it: a pid alone may be that of another process by now. */
  startedAt: string
}

/** Which process Litestream is, written down for who comes after a crash. */
export interface ProcessRecord extends RecordedProcess {
  version: string
}

const run = promisify(execFile)

/** When a process began, in words that only this process has; `undefined` when there is none of that pid, or a dead one. */
export async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return await startByPs(pid)
  try {
    // Field 22 of https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, counted after the name, which may contain anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    // Counted from the start of the machine, which is not the same one after a restart.
    return fields[0] === 'Z' ? undefined : `${fields[19]} ${bootId()}`
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

/** How long a process that was killed may take to be gone, in milliseconds: one that waits for a disk may for long. */
const killPatience = 5_000

/**
 * Ends a process: asks it, and kills it after `grace` milliseconds. Resolves when it is gone. It is no child of ours, so that it is
 * looked at until then; before each signal it is made sure that the pid is still its own.
 *
 * @throws StateError `HANDCAR_LITESTREAM_RUNNING` when it cannot be ended: it is another user's, or waits for a disk
 */
export async function endRecorded({ pid, startedAt }: RecordedProcess, grace: number): Promise<void> {
  const lives = async (): Promise<boolean> => (await startOf(pid)) === startedAt
  const killAt = performance.now() + grace
  signal(pid, 'SIGTERM')
  while (await lives()) {
    if (performance.now() >= killAt) signal(pid, 'SIGKILL')
    if (performance.now() >= killAt + killPatience) throw cannotEnd(pid)
    await sleep(20)
  }
}

function cannotEnd(pid: number): StateError {
  return new StateError(
    'HANDCAR_LITESTREAM_RUNNING',
    `An earlier Litestream, process ${pid}, cannot be ended`,
    { fix: `End it: sudo kill -9 ${pid}`, details: { pid } },
  )
}

/** The processes that run Litestream with a configuration; only known on Linux. For those of whom no record tells. */
export async function processesWith(config: string): Promise<RecordedProcess[]> {
  if (process.platform !== 'linux') return []
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && pid !== process.pid)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
      if (!words.includes('replicate') || !words.includes(config)) return undefined
      const startedAt = await startOf(pid)
      return startedAt === undefined ? undefined : { pid, startedAt }
    }),
  )
  return found.filter((each) => each !== undefined)
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
