import { statSync, type Stats } from 'node:fs'
import { mkdir, rm, statfs } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { socketPath, type Logger } from '../../core/index.ts'
import type { ResolvedReplication } from '../options.ts'
import type { LitestreamBinary } from './binary.ts'
import { LitestreamChild, type ChildEnd } from './child.ts'
import { litestreamConfig, type ReplicatedDatabase } from './config.ts'
import { Ear03 } from './ear-0.3.ts'
import { Ear05 } from './ear-0.5.ts'
import type { Ear } from './ear.ts'
import { hideSecrets, litestreamEnvironment } from './environment.ts'
import type { BackupFolder } from './folder.ts'
import { LagMeter } from './lag.ts'
import { monotonic } from './monotonic.ts'
import { OutputLog, parseLine, type LastError } from './output.ts'
import { assertPaths } from './refused-paths.ts'
import { writePrivately } from './seat.ts'

/** What one life of Litestream needs. */
export interface LitestreamRunOptions {
  binary: LitestreamBinary
  folder: BackupFolder
  databases: readonly ReplicatedDatabase[]
  replication: ResolvedReplication & { readonly snapshotInterval: number }
  environment: Readonly<Record<string, string | undefined>>
  logger: Logger
}

/** A validation restores the whole database to the temporary folder: so many times its size has to be free. */
const roomForValidation = 1.2

/** One life of Litestream: its configuration, its process, what it says, and how far it is. */
export class LitestreamRun {
  readonly #options: LitestreamRunOptions
  readonly #ear: Ear
  readonly #log: OutputLog
  readonly #meters = new Map<string, LagMeter>()
  #child: LitestreamChild | undefined
  #startedAt = performance.now()
  #answeredAt = performance.now()
  #isAsking = false
  #isStopping = false

  private constructor(options: LitestreamRunOptions, ear: Ear) {
    this.#options = options
    this.#ear = ear
    this.#log = new OutputLog(options.logger)
  }

  /**
   * Writes its configuration. Nothing runs yet.
   *
   * @throws OptionsError when this Litestream cannot do what is asked for
   */
  static async prepare(options: LitestreamRunOptions): Promise<LitestreamRun> {
    const { binary, folder, databases, replication, logger } = options
    assertPaths(binary.line, databases)
    // What a Litestream that was killed has left there may be as large as the database.
    await rm(folder.temporary, { recursive: true, force: true })
    await mkdir(folder.temporary, { recursive: true, mode: 0o700 })
    const port = binary.line === '0.3' ? await freePort() : 0
    const socket = socketPath(folder.socket)
    await rm(socket, { force: true })
    const { validationInterval, ...rest } = replication
    const validates = await hasRoom(folder.temporary, databases)
    if (!validates)
      logger.warn({}, 'The disk has no room for a validation of the backup, which would restore it all')
    const plan = { ...rest, databases, ear: { port, socket }, ...(validates && { validationInterval }) }
    await writePrivately(folder.config, litestreamConfig(binary.line, plan))
    const paths = databases.map(({ path }) => path)
    const ear =
      binary.line === '0.3'
        ? new Ear03(port, paths)
        : new Ear05(socket, paths, replication.replicas[0]?.name ?? '')
    return new LitestreamRun(options, ear)
  }

  /** Starts its process. */
  start(): void {
    const { binary, folder, environment } = this.#options
    const hide = hideSecrets(environment)
    this.#startedAt = this.#answeredAt = performance.now()
    this.#child = new LitestreamChild({
      path: binary.path,
      args: ['replicate', '-no-expand-env', '-config', folder.config],
      cwd: folder.path,
      environment: litestreamEnvironment(environment, folder.temporary),
      onLine: (line) => this.#receive(hide(line)),
    })
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** How it ended, in words. */
  get ended(): Promise<string> {
    return this.#child!.ended.then((end) => this.#describe(end))
  }

  /** Milliseconds since its start. */
  get uptime(): number {
    return performance.now() - this.#startedAt
  }

  /** Milliseconds since it answered last. */
  get silence(): number {
    return performance.now() - this.#answeredAt
  }

  get lastError(): LastError | undefined {
    return this.#log.lastError
  }

  /** Milliseconds for which a replica is behind; see {@link LagMeter}. */
  lagOf(path: string, replica: string): number | undefined {
    return this.#meters.get(`${replica}\0${path}`)?.lag(performance.now(), changedAt(`${path}-wal`))
  }

  /** As {@link lagOf}; when that is not known, what it is at least. */
  leastLagOf(path: string, replica: string): number | undefined {
    return this.#meters.get(`${replica}\0${path}`)?.leastLag(performance.now(), changedAt(`${path}-wal`))
  }

  /** Bytes of the databases. */
  get bytes(): number {
    return this.#options.databases.reduce((sum, { path }) => sum + sizeOf(path), 0)
  }

  /** Milliseconds for which it has not answered, or a replica is behind and gets nothing. */
  get stall(): number {
    return Math.max(
      this.silence,
      ...[...this.#meters.values()].map((meter) => meter.stall(performance.now())),
    )
  }

  /** Whether every replica is known to get what it should. */
  get isServed(): boolean {
    const count = this.#options.databases.length * this.#options.replication.replicas.length
    return this.#meters.size === count && [...this.#meters.values()].every((meter) => meter.isServed)
  }

  /** Asks it how far it is. What it does not answer is an answer too; see {@link silence}. */
  async sample(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      for (const { path, local, remote, readUntil } of await this.#ear.ask()) {
        for (const { name } of this.#options.replication.replicas)
          this.#meter(name, path).note({ at: performance.now(), local, remote: remote[name], readUntil })
        this.#answeredAt = performance.now()
      }
    } catch {
      // It is not there yet, stands still, or ends.
    } finally {
      this.#isAsking = false
    }
  }

  /** Lets it checkpoint now, if it is one that can be told so. Never rejects. */
  async hurry(path: string): Promise<void> {
    if (!this.#isStopping) await this.#ear.hurry?.(path)
  }

  /**
   * Lets it send what is left; kills it after `grace` milliseconds.
   *
   * @returns whether it had to be killed
   */
  async stop(grace: number): Promise<boolean> {
    this.#isStopping = true
    const wasKilled = (await this.#child?.stop(grace)) ?? false
    if (wasKilled)
      this.#options.logger.error(
        { grace },
        'Litestream did not end and was killed: the last changes may be missing in the backup',
      )
    return wasKilled
  }

  /** Ends it at once. */
  kill(): void {
    this.#child?.kill()
  }

  #receive(text: string): void {
    const line = parseLine(text)
    // Litestream 0.3 says of its own end, in the middle of a checkpoint, that it was canceled.
    if (this.#isStopping && text.includes('context canceled')) line.level = 'info'
    this.#ear.line(line)
    this.#log.write(line, Date.now())
  }

  #meter(replica: string, path: string): LagMeter {
    const key = `${replica}\0${path}`
    const meter = this.#meters.get(key) ?? new LagMeter()
    this.#meters.set(key, meter)
    return meter
  }

  #describe({ code, signal }: ChildEnd): string {
    const because = this.lastError === undefined ? '' : `: ${this.lastError.message}`
    return `Litestream has ended with ${signal ?? `exit code ${code}`}${because}`
  }
}

/** A port that nobody listens on. Somebody may take it before Litestream does, which is noticed by a page that is not its own. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function hasRoom(folder: string, databases: readonly ReplicatedDatabase[]): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder)
  const largest = Math.max(0, ...databases.map(({ path }) => sizeOf(path)))
  return bavail * bsize >= roomForValidation * largest
}

const sizeOf = (path: string): number => statusOf(path)?.size ?? 0

function changedAt(path: string): number {
  const status = statusOf(path)
  return status === undefined ? -Infinity : monotonic(status.mtimeMs)
}

/** Of a disk that answers with an error nothing is known either. */
function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
