import type { CoordinatorStats } from '../database/index.ts'
import type { ProcessStats } from './protocol.ts'

/** What a supervisor is doing. */
export type SupervisorState = 'starting' | 'running' | 'reloading' | 'stopping'

/** The whole process tree at one moment; plain JSON. Durations in milliseconds, sizes in bytes. */
export interface TreeStatus {
  pid: number
  /** Version of handcar. */
  version: string
  state: SupervisorState
  uptime: number
  release: { folder: string; version?: string } | undefined
  /** Where it listens: `http://127.0.0.1:3000`, `unix:/run/app.socket`. */
  address: string | undefined
  /** Memory of the supervisor itself. */
  rss: number
  /** Connections that wait for a process. */
  waiting: number
  processes: ProcessStatus[]
  programs: ProgramStatus[]
  databases: ({ path: string } & CoordinatorStats)[]
  /** How what runs beside the app is, by its name. */
  companions: Readonly<Record<string, object>>
}

/** One process of the app. */
export interface ProcessStatus {
  name: string
  kind: string
  /** `undefined` while it waits to be started again. */
  pid: number | undefined
  state: 'booting' | 'ready' | 'draining' | 'restarting'
  uptime: number
  /** How often the process of this name was started again. */
  restarts: number
  /** Folder of its release. */
  release: string
  rss: number | undefined
  /** Whether its event loop stands still. */
  blocked: boolean
  stats: ProcessStats
}

/** A program that runs beside the app. */
export interface ProgramStatus {
  name: string
  pid: number | undefined
  uptime: number
  restarts: number
}
