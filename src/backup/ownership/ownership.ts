import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { HandcarError, type Logger } from '../../core/index.ts'
import type { BackupFolder } from '../litestream/folder.ts'
import { addressOf, type ResolvedReplica } from '../litestream/replica.ts'
import { storeFor } from './store-for.ts'
import { StoreDenied } from './store.ts'

/** Who writes to a replica, as it stands beside it. Times in milliseconds since 1970. */
export interface Owner {
  /** New with each claim. */
  token: string
  host: string
  /** The data folder. */
  folder: string
  claimedAt: number
  /** When it ended in good order; `undefined` while it runs, or when it did not. */
  releasedAt?: number
}

/** What {@link Ownership} needs to know. */
export interface OwnershipOptions {
  folder: BackupFolder
  replicas: readonly ResolvedReplica[]
  environment: Readonly<Record<string, string | undefined>>
  logger: Logger
}

/**
 * Two that claim at the same time both look again after this, in milliseconds; the one that wrote last has it. If both have looked too
 * early, the next `check()` of the first finds out.
 */
const settleTime = 500

/**
 * Sees to it that one machine at a time writes to a replica: two of them mix two databases into one that cannot be restored. Beside the
 * replica stands who has claimed it (`handcar-owner.json`), with a token that is new each time; the token also stands in the data
 * folder. Whoever has the token of the replica goes on; whoever finds another one is refused, unless its owner has ended in good order or a
 * person says that it is gone for good. So a copy of the machine, made with its disk, is told from the machine: the first that claims has it.
 *
 * The token is kept here before it is written there, beside the one before, so that a crash in between locks nobody out. What cannot be
 * read (keys that only write) cannot be guarded, which is said.
 */
export class Ownership {
  readonly #options: OwnershipOptions

  constructor(options: OwnershipOptions) {
    this.#options = options
  }

  /**
   * Claims the replicas for this data folder.
   *
   * @param options `takeOver`: also from an owner that has not ended in good order. Default: false
   * @throws HandcarError `HANDCAR_REPLICA_OWNED`; what kept the replica from being reached, when this folder has never claimed it
   */
  async claim({ takeOver = false } = {}): Promise<void> {
    for (const replica of this.#options.replicas)
      await this.#guarded(replica, () => this.#claim(replica, takeOver))
  }

  /**
   * Whether the replicas are still, or could be, this folder's; changes nothing.
   *
   * @throws HandcarError `HANDCAR_REPLICA_OWNED`
   */
  async check(): Promise<void> {
    for (const replica of this.#options.replicas)
      await this.#guarded(replica, async () => {
        const owner = await this.#read(replica)
        if (owner && !(await this.#tokens(replica)).includes(owner.token)) this.#refuse(replica, owner)
      })
  }

  /** Whoever comes next may claim them. Does nothing about those of others. */
  async release(): Promise<void> {
    for (const replica of this.#options.replicas)
      await this.#guarded(replica, async () => {
        const owner = await this.#read(replica)
        if (owner === undefined || !(await this.#tokens(replica)).includes(owner.token)) return
        await this.#write(replica, { ...owner, releasedAt: Date.now() })
      })
  }

  async #claim(replica: ResolvedReplica, takeOver: boolean): Promise<void> {
    const tokens = await this.#tokens(replica)
    const before = await this.#read(replica).catch((error: unknown) => {
      // Litestream keeps what it cannot send; a replica that was ours is most likely ours.
      if (tokens.length === 0 || error instanceof StoreDenied) throw error
      this.#warn(replica, `who owns it is not known now: ${String(error)}`)
      return 'unknown' as const
    })
    if (before === 'unknown') return
    if (before && !takeOver && !tokens.includes(before.token)) this.#refuse(replica, before)
    const token = randomUUID()
    await this.#keep(replica, [token, ...(before === undefined ? [] : [before.token])])
    const { folder } = this.#options
    await this.#write(replica, {
      token,
      host: hostname(),
      folder: join(folder.path, '..'),
      claimedAt: Date.now(),
    })
    await sleep(settleTime)
    const after = await this.#read(replica)
    if (after !== undefined && after.token !== token) {
      await this.#keep(replica, [])
      this.#refuse(replica, after)
    }
    await this.#keep(replica, [token])
  }

  #refuse(replica: ResolvedReplica, { host, folder, claimedAt, releasedAt }: Owner): void {
    if (releasedAt !== undefined) return
    throw new HandcarError(
      'HANDCAR_REPLICA_OWNED',
      `${this.#addressOf(replica)} belongs to ${folder} on ${host}, which claimed it at ${new Date(claimedAt).toISOString()} and has not let go`,
      { details: { host, folder, claimedAt } },
    )
  }

  async #read(replica: ResolvedReplica): Promise<Owner | undefined> {
    const text = await storeFor(replica, this.#options.environment).read()
    return text === undefined ? undefined : (JSON.parse(text) as Owner)
  }

  async #write(replica: ResolvedReplica, owner: Owner): Promise<void> {
    await storeFor(replica, this.#options.environment).write(`${JSON.stringify(owner, undefined, 2)}\n`)
  }

  async #guarded(replica: ResolvedReplica, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof StoreDenied)) throw error
      this.#warn(replica, `nobody can tell whether another machine writes to it too: ${error.message}`)
    }
  }

  #warn(replica: ResolvedReplica, what: string): void {
    this.#options.logger.warn({ replica: replica.name }, `${this.#addressOf(replica)}: ${what}`)
  }

  #addressOf(replica: ResolvedReplica): string {
    return addressOf(replica, '').replace(/\/$/, '')
  }

  /** The tokens of this data folder, by which a replica is its own. */
  async #tokens(replica: ResolvedReplica): Promise<string[]> {
    return (await this.#kept())[this.#addressOf(replica)] ?? []
  }

  async #keep(replica: ResolvedReplica, tokens: string[]): Promise<void> {
    const all = { ...(await this.#kept()), [this.#addressOf(replica)]: tokens }
    await mkdir(this.#options.folder.path, { recursive: true, mode: 0o700 })
    await writeFile(`${this.#file}.partial`, `${JSON.stringify(all, undefined, 2)}\n`, { mode: 0o600 })
    await rename(`${this.#file}.partial`, this.#file)
  }

  async #kept(): Promise<Record<string, string[]>> {
    try {
      return JSON.parse(await readFile(this.#file, 'utf8')) as Record<string, string[]>
    } catch {
      return {}
    }
  }

  get #file(): string {
    return join(this.#options.folder.path, 'owner.json')
  }
}
