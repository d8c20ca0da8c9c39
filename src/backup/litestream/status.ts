import type { ReplicationProblem } from '../events.ts'
import type { LastError } from './output.ts'
import type { LitestreamLine } from './version.ts'

/** How a replica of a database is. */
export interface ReplicaStatus {
  name: string
  /** Where it is: `s3://bucket/handcar/app`. */
  address: string
  /** Milliseconds for which it is behind; 0 when it has everything, `undefined` when that is not known. */
  lag: number | undefined
}

/** How the continuous copy of the databases is; plain JSON. Durations in milliseconds. */
export interface ReplicationStatus {
  /** `waiting`: Litestream has ended or could not be started, and is started again after a pause. `replaced`: see {@link problem}. */
  state: 'starting' | 'running' | 'waiting' | 'replaced' | 'stopped'
  /** What is wrong; `undefined` when nothing is. */
  problem: ReplicationProblem | undefined
  /** Which Litestream; `undefined` when none was found yet. */
  litestream: { version: string; line: LitestreamLine; path: string } | undefined
  pid: number | undefined
  /** How long it has run. */
  uptime: number
  /** How often it was started again. */
  restarts: number
  databases: { name: string; path: string; replicas: ReplicaStatus[] }[]
  /** What Litestream has told of last that went wrong; it may be over. */
  lastError: LastError | undefined
}

/** For so many milliseconds an error is a problem: what fails is tried again each second. */
const errorLasts = 30_000

/** What a judgement is made of. */
export interface Judged {
  /** Why it does not run; `undefined` while it does. */
  down: string | undefined
  isCrashLoop: boolean
  /** Milliseconds since it answered last, or was started. */
  silence: number
  replicas: readonly Pick<ReplicaStatus, 'address' | 'lag'>[]
  lastError: LastError | undefined
  lagAlarm: number
  /** Milliseconds since 1970. */
  now: number
}

/** Says what is wrong, the worst thing first. */
export function judgeReplication(judged: Judged): ReplicationProblem | undefined {
  const { down, isCrashLoop, silence, replicas, lastError, lagAlarm, now } = judged
  if (isCrashLoop)
    return { kind: 'crash-loop', message: `Litestream keeps ending${down === undefined ? '' : `: ${down}`}` }
  if (down !== undefined) return { kind: 'down', message: down }
  const recent = lastError !== undefined && Math.abs(now - lastError.at) < errorLasts ? lastError : undefined
  const because = recent === undefined ? '' : `: ${recent.message}`
  if (silence > lagAlarm)
    return { kind: 'silent', message: `Litestream has not answered for ${seconds(silence)}${because}` }
  const late = replicas.find(({ lag }) => lag !== undefined && lag > lagAlarm)
  if (late !== undefined)
    return { kind: 'lag', message: `${late.address} is ${seconds(late.lag!)} behind${because}` }
  return recent && { kind: 'error', message: recent.message }
}

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 1_000)} s`
