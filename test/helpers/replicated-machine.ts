import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { LitestreamLine, ReplicationStatus } from '../../src/backup/index.ts'
import { control, type TreeStatus } from '../../src/supervisor/index.ts'
import { ledgerMigrations } from '../crash/ledger.ts'
import { appFolder, type AppFolder } from './app-folder.ts'
import type { BackupTarget } from './backup-targets.ts'
import { handcar, RunningCommand, type CommandResult } from './command-line.ts'
import { litestreams } from './litestream.ts'
import { childrenOf, isAlive } from './processes.ts'
import { waitUntil } from './wait-until.ts'

const app = pathToFileURL(join(import.meta.dirname, '../crash/backup-app.ts')).href
const compileCache = join(import.meta.dirname, '../../node_modules/.cache/crash-tests')

/** What of a machine can be killed. */
export type Victim = 'web' | 'litestream' | 'supervisor' | 'everything'

/** What the status of the backup has told at a moment: everything that was acknowledged before another one is replicated. */
export interface Claim {
  /** Milliseconds since 1970. */
  toldAt: number
  until: number
}

/** How a machine is set up. */
export interface MachineOptions {
  line: LitestreamLine
  target: BackupTarget
  /** More settings of the app's backup. */
  backup?: object
  /** On top of, or instead of, those of the target. */
  environment?: Record<string, string | undefined>
}

/**
 * A machine of its own: a folder with the app of `crash/backup-app.ts`, replicated to a target by a real tree of processes. It can lose any
 * of them, or its whole data folder.
 */
export class ReplicatedMachine implements AsyncDisposable {
  readonly folder: AppFolder
  readonly line: LitestreamLine
  /** What its status has told of the replica, over all its starts. */
  readonly claims: Claim[] = []
  readonly #environment: Record<string, string | undefined>
  #running: RunningCommand | undefined
  #pids: number[] = []
  #watching: Promise<void> = Promise.resolve()

  constructor({ line, target, backup = {}, environment }: MachineOptions) {
    this.line = line
    const config = {
      processes: { web: 2 },
      backup: { replicas: [target.replica], binary: litestreams[line].path, ...backup },
    }
    this.folder = appFolder({
      'handcar.config.js': `export default ${JSON.stringify(config)}`,
      'src/app.js': `export { default } from '${app}'`,
      'db/migrations/20260101000000_ledger.sql': ledgerMigrations.map(({ sql }) => sql).join(';'),
    })
    this.#environment = {
      PORT: '0',
      NODE_COMPILE_CACHE: compileCache,
      ...target.environment,
      ...environment,
    }
  }

  get data(): string {
    return this.folder.file('data')
  }

  get database(): string {
    return this.folder.file('data/app.sqlite3')
  }

  /** What the app has written to its log since it was started, without its requests. */
  get output(): string {
    const lines = (this.#running?.output ?? '').split('\n')
    return lines.filter((line) => !line.includes('"msg":"request"')).join('\n')
  }

  /** Runs a command of handcar on it. */
  run(words: string[]): Promise<CommandResult> {
    return handcar(words, { folder: this.folder.path, environment: this.#environment })
  }

  /** Starts the app; resolves with its address when it serves. */
  async start(): Promise<string> {
    this.begin()
    const address = await this.#running!.address()
    this.#watching = this.#watch(this.#running!)
    return address
  }

  /** Starts the app, and does not wait. */
  begin(): RunningCommand {
    this.#running = new RunningCommand(['start'], {
      folder: this.folder.path,
      environment: this.#environment,
    })
    return this.#running
  }

  /** Until the app has written something to its log. */
  async wrote(pattern: RegExp): Promise<void> {
    await this.#running!.wrote(pattern)
  }

  /** Until its status has told that everything that was acknowledged before a moment is replicated. Default: before now */
  async untilReplicated(moment = Date.now()): Promise<void> {
    await waitUntil(
      'its changes are replicated',
      () => this.claims.some(({ until }) => until >= moment),
      60_000,
    )
  }

  async status(): Promise<{ tree: TreeStatus; backup: ReplicationStatus }> {
    const tree = await control<TreeStatus>(this.data, 'status')
    return { tree, backup: tree.companions['backup'] as ReplicationStatus }
  }

  /** Kills a part of it; resolves with the moment, in milliseconds since 1970. The tree goes on with what is left. */
  async kill(victim: Victim): Promise<number> {
    const { tree, backup } = await this.status()
    const web = tree.processes.flatMap(({ pid }) => pid ?? [])
    const litestream = backup.pid ?? []
    const pids = {
      web: web.slice(0, 1),
      litestream: [litestream].flat(),
      supervisor: [tree.pid],
      everything: [tree.pid, litestream, web].flat(),
    }[victim]
    this.#pids = [...new Set([...this.#pids, tree.pid, ...childrenOf(tree.pid, '')])]
    const at = Date.now()
    for (const pid of pids) killNow(pid)
    return at
  }

  /** Until nothing of it runs any more. */
  async ended(): Promise<void> {
    await this.#running?.ended()
    await this.#watching
    await waitUntil('its processes have ended', () => !this.#pids.some(isAlive), 60_000)
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    this.#running!.signal('SIGTERM')
    await this.ended()
  }

  /** Its disk is gone. */
  lose(): void {
    rmSync(this.data, { recursive: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.[Symbol.asyncDispose]()
    for (const pid of this.#pids.filter(isAlive)) killNow(pid)
    await this.ended()
    this.folder[Symbol.dispose]()
  }

  /** Notes what the status tells, as long as the app runs. */
  async #watch(running: RunningCommand): Promise<void> {
    while (!running.hasEnded) {
      const askedAt = Date.now()
      const backup = await this.status().then(
        (status) => status.backup,
        () => undefined,
      )
      const lag = backup?.state === 'running' ? backup.databases[0]?.replicas[0]?.lag : undefined
      if (lag !== undefined) this.claims.push({ toldAt: Date.now(), until: askedAt - lag })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
