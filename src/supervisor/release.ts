/** Processes of one kind: what to run, and how many of them. */
export interface ProcessSpec {
  /** `'web'`, `'jobs'`: the processes are named `web.1`, `web.2`, … */
  kind: string
  count: number
  /** The module that each process runs. */
  file: string
  args?: readonly string[]
  /** Default: the Node that runs the supervisor. */
  execPath?: string
  /** Default: the flags of the supervisor's own Node. */
  execArgv?: readonly string[]
  /** The folder in which the processes run. */
  cwd: string
  /** The whole environment of the processes. Default: that of the supervisor. */
  environment?: Readonly<Record<string, string | undefined>>
  /** Whether they are handed connections. */
  acceptsConnections: boolean
  /** Bytes of memory (resident set) beyond which a process is replaced by a new one. Default: never. */
  maxRss?: number
}

/** One version of the app: the folder it lies in and the processes that it consists of. */
export interface Release {
  /** Real path of the folder. */
  folder: string
  version?: string
  processes: readonly ProcessSpec[]
}

/** A program that runs beside the app and is kept running, such as a replicator. */
export interface ProgramSpec {
  name: string
  command: string
  args?: readonly string[]
  cwd?: string
  environment?: Readonly<Record<string, string | undefined>>
}
