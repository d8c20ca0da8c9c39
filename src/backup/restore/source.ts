import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { HandcarError } from '../../core/index.ts'
import type { LitestreamBinary } from '../litestream/binary.ts'
import { litestreamConfig, type ReplicatedDatabase } from '../litestream/config.ts'
import { hideSecrets, litestreamEnvironment } from '../litestream/environment.ts'
import { parseLine } from '../litestream/output.ts'
import { addressOf, type ResolvedReplica } from '../litestream/replica.ts'
import { writePrivately } from '../litestream/seat.ts'
import { mayBeginAfter, type RestoreChoice, type RestoreRange } from './moments.ts'
import { momentToName } from './precision.ts'
import { readGenerations } from './ranges-0.3.ts'
import { countWholeFiles, readLtxFiles } from './ranges-0.5.ts'
import { newestSegment } from './segments-0.3.ts'

/** Where something is restored from, and with what. */
export interface SourceOptions {
  binary: Pick<LitestreamBinary, 'path' | 'line'>
  replica: ResolvedReplica
  database: ReplicatedDatabase
  /** Variables of the environment, the keys of buckets among them. */
  environment: Readonly<Record<string, string | undefined>>
  /** A folder for files of the moment, on the disk to which is restored. */
  folder: string
}

const run = promisify(execFile)
/** A listing of a bucket that does not answer must not wait for ever; milliseconds. */
const listTimeout = 120_000
/** How 0.5 lists a replica. */
const allFiles = ['ltx', '-level', 'all', '-json']
/** What Litestream 0.3 and 0.5 say when they have no keys for a bucket. */
const noKeys = /NoCredentialProviders|refresh cached credentials/
/** What Litestream 0.3 and 0.5 say when a replica has nothing of that time. */
const nothingThere = /no matching backup/

/**
 * One replica of one database, read through Litestream: which of its states there are, and a file with one of them.
 *
 * Each replica has a configuration of its own here, so that both versions read one replica after the other in the same way.
 */
export class RestoreSource {
  readonly #options: SourceOptions
  readonly #config: string
  /** A file in the place of the database: Litestream 0.3 lists nothing of one that is not there. */
  readonly #standIn: string
  readonly #hide: (text: string) => string

  private constructor(options: SourceOptions) {
    this.#options = options
    this.#config = join(options.folder, `litestream-${options.replica.name}.yml`)
    this.#standIn = join(options.folder, `${options.replica.name}.stand-in`)
    this.#hide = hideSecrets(options.environment)
  }

  static async open(options: SourceOptions): Promise<RestoreSource> {
    const source = new RestoreSource(options)
    const { binary, replica, database } = options
    const day = 86_400_000
    const plan = {
      syncInterval: 1_000,
      retention: day,
      snapshotInterval: day,
      replicas: [replica],
      databases: [{ ...database, path: source.#standIn }],
    }
    await writePrivately(source.#config, litestreamConfig(binary.line, plan))
    await writePrivately(source.#standIn, '')
    return source
  }

  /** Where it is, for people. */
  get address(): string {
    return addressOf(this.#options.replica, this.#options.database.name)
  }

  get replica(): string {
    return this.#options.replica.name
  }

  /**
   * The stretches of time whose states it has; none when it is empty.
   *
   * @throws HandcarError `HANDCAR_RESTORE_FAILED` when it cannot be read
   */
  async ranges(signal?: AbortSignal): Promise<RestoreRange[]> {
    return this.#is03
      ? readGenerations(await this.#list(['generations'], signal))
      : readLtxFiles(await this.#list(allFiles, signal))
  }

  /**
   * How many whole copies of the database it has, with each of which a restore can begin.
   *
   * @throws HandcarError `HANDCAR_RESTORE_FAILED` when it cannot be read; the signal's reason
   */
  async snapshots(signal?: AbortSignal): Promise<number> {
    if (this.#is03) return (await this.#list(['snapshots'], signal)).trim().split('\n').length - 1
    return countWholeFiles(await this.#list(allFiles, signal))
  }

  /**
   * What can be restored when a state cannot, because its last part is damaged: the state before that. By SFTP, Litestream 0.3 uploads under
   * the final name, so that a machine that is lost in mid-upload leaves half of a part; one of those makes the whole restore fail. With 0.5 a
   * file is there whole or not at all.
   *
   * @returns `undefined` when there is no such state
   * @throws HandcarError `HANDCAR_RESTORE_FAILED` when it cannot be read; the signal's reason
   */
  async beforeLastPart(
    { range, timestamp }: RestoreChoice,
    signal?: AbortSignal,
  ): Promise<RestoreChoice | undefined> {
    if (range.generation === undefined) return undefined
    const last = newestSegment(await this.#list(['wal'], signal), range.generation)
    if (last === undefined || last <= range.from || (timestamp !== undefined && timestamp <= last))
      return undefined
    return { range, timestamp: last, hole: { from: last, until: undefined } }
  }

  get #is03(): boolean {
    return this.#options.binary.line === '0.3'
  }

  /** Litestream 0.3 exits with 0, and an empty table, when it may not list a bucket or does not reach it. */
  async #list(command: string[], signal: AbortSignal | undefined): Promise<string> {
    const { stdout, stderr } = await this.#run(command, signal)
    const errors = stderr.split('\n').filter((line) => line.includes('"level":"ERROR"'))
    if (errors.length > 0 && stdout.trim().split('\n').length <= 1)
      throw this.#failed(errors.map(errorIn).join('; '))
    return stdout
  }

  async #run(
    command: string[],
    signal: AbortSignal | undefined,
  ): Promise<{ stdout: string; stderr: string }> {
    try {
      return await run(this.#options.binary.path, this.#args(command), {
        env: this.#environment,
        timeout: listTimeout,
        maxBuffer: 256 * 1_024 ** 2,
        killSignal: 'SIGKILL',
        ...(signal && { signal }),
      })
    } catch (cause) {
      signal?.throwIfAborted()
      const { stderr, message } = cause as { stderr?: string; message: string }
      throw this.#failed(stderr?.trim() || message)
    }
  }

  /**
   * Writes a state to a file that does not exist. What Litestream says is not trusted: the caller looks into the file.
   *
   * @param onLine Told what Litestream does.
   * @throws HandcarError `HANDCAR_RESTORE_FAILED`, `HANDCAR_DISK_FULL`, `HANDCAR_BACKUP_EMPTY` when its first state is younger; the signal's
   * reason
   */
  async restore(
    choice: RestoreChoice,
    to: string,
    { onLine, signal }: { onLine: (text: string) => void; signal: AbortSignal | undefined },
  ): Promise<void> {
    const said = await this.#restore(choice, to, onLine, signal)
    if (said === undefined) return
    if (choice.timestamp === undefined || !nothingThere.test(said)) throw this.#failed(said)
    if (mayBeginAfter(choice.range, choice.timestamp)) throw this.#tooEarly(choice.range, choice.timestamp)
    // Near the end of a generation a moment can be younger than its last file.
    if (choice.timestamp < choice.range.to - 2_000) throw this.#failed(said)
    const again = await this.#restore({ ...choice, timestamp: undefined }, to, onLine, signal)
    if (again !== undefined) throw this.#failed(again)
  }

  /** Resolves with what went wrong, if anything did. */
  async #restore(
    { range, timestamp }: RestoreChoice,
    to: string,
    onLine: (text: string) => void,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const { binary, replica } = this.#options
    const named = timestamp === undefined ? undefined : momentToName(timestamp, binary.line, replica.type)
    const command = [
      'restore',
      ...(range.generation === undefined ? [] : ['-generation', range.generation]),
      ...(named === undefined ? [] : ['-timestamp', new Date(named).toISOString()]),
      '-o',
      to,
    ]
    const child = spawn(binary.path, this.#args(command), {
      env: this.#environment,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(signal && { signal }),
      killSignal: 'SIGKILL',
    })
    const errors: string[] = []
    createInterface({ input: child.stderr }).on('line', (text) => {
      const said = this.#hide(text)
      const { level, message } = parseLine(said)
      if (level === 'error') errors.push(errorIn(said))
      else onLine(message)
    })
    const [code, name] = (await once(child, 'close').catch((error: unknown) => {
      signal?.throwIfAborted()
      throw this.#failed(String(error))
    })) as [number | null, string | null]
    if (code === 0) return undefined
    return errors.join('; ') || `it ended with ${name ?? `exit code ${code}`}`
  }

  #args([command, ...rest]: string[]): string[] {
    return [command!, '-no-expand-env', '-config', this.#config, ...rest, this.#standIn]
  }

  get #environment(): Record<string, string> {
    return litestreamEnvironment(this.#options.environment, this.#options.folder)
  }

  #tooEarly(range: RestoreRange, at: number): HandcarError {
    const [oldest, asked] = [range.from, at].map((time) => new Date(time).toISOString())
    return new HandcarError(
      'HANDCAR_BACKUP_EMPTY',
      `${this.address} begins within the second of ${oldest}, and a state of ${asked} was asked for`,
    )
  }

  #failed(said: string): HandcarError {
    const text = this.#hide(withoutWarnings(said))
    if (/no space left|disk quota/i.test(text))
      return new HandcarError(
        'HANDCAR_DISK_FULL',
        `The disk has no room for what is restored from ${this.address}`,
        {
          details: { said: text },
        },
      )
    return new HandcarError(
      'HANDCAR_RESTORE_FAILED',
      `${this.address} could not be read: ${text}`,
      noKeys.test(text)
        ? {
            fix: 'Set LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY in the environment, in .env for example.',
          }
        : {},
    )
  }
}

/** What a line of Litestream's log tells of an error. */
function errorIn(line: string): string {
  const { message, fields } = parseLine(line)
  return [message, fields['error']].filter((each) => each).join(': ')
}

/** Lines that Litestream logs before it says what is wrong: of host keys that are not checked, of machines that are not Amazon's. */
function withoutWarnings(said: string): string {
  const lines = said.split('\n').filter((line) => !/"level":"(?:INFO|WARN)"|^SDK .* WARN /.test(line))
  return lines.join('\n').trim() || said
}
