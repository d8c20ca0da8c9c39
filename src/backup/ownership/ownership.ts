import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HandcarError, Logger } from '../../core/index.ts'
import type { BackupFolder } from '../litestream/folder.ts'
import { addressOf, type ResolvedReplica } from '../litestream/replica.ts'
import { ownedSince, parseOwner, printOwner, stillOwned, type Owner } from './owner.ts'
import { storeFor } from './store-for.ts'
import { StoreDenied } from './store.ts'
import { OwnTokens } from './tokens.ts'

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

/** Never broken off. */
const never = new AbortController().signal

/**
 * Sees to it that one machine at a time writes to a replica: two of them mix two databases into one that cannot be restored. Beside the
 * replica stands who has claimed it (`handcar-owner.json`), with a token that is new each time; the token also stands in the data
 * folder. Whoever has the token of the replica goes on. Whoever finds another one is refused, unless a person says that its owner is gone
 * for good; or that owner has ended in good order and this data folder never wrote to the replica: one that did has an older database
 * than the replica by now. So a copy of the machine, made with its disk, is told from the machine: the first that claims has it.
 *
 * The token is kept here before it is written there, beside the one before, so that a crash in between locks nobody out. What cannot be
 * read (keys that only write) cannot be guarded, which is said.
 */
export class Ownership {
  readonly #options: OwnershipOptions
  readonly #tokens: OwnTokens

  constructor(options: OwnershipOptions) {
    this.#options = options
    this.#tokens = new OwnTokens(options.folder)
  }

  /**
   * Claims the replicas for this data folder.
   *
   * @param options `takeOver`: whoever owns them. Default: false. `signal` breaks it off
   * @throws HandcarError `HANDCAR_REPLICA_OWNED`; what kept the replica from being reached, when this folder has never claimed it; the
   * reason of the signal
   */
  async claim({
    takeOver = false,
    signal = never,
  }: { takeOver?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    for (const replica of this.#options.replicas)
      await this.#guarded(replica, signal, () => this.#claim(replica, takeOver, signal))
  }

  /**
   * Whether the replicas are still, or could be, this folder's; changes nothing.
   *
   * @param options `beforeRestore`: whether they could be when the database here has become what they hold. Default: false
   * @throws HandcarError `HANDCAR_REPLICA_OWNED`
   */
  async check({
    beforeRestore = false,
    signal = never,
  }: { beforeRestore?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    for (const replica of this.#options.replicas)
      await this.#guarded(replica, signal, async () => {
        const tokens = beforeRestore ? [] : await this.#tokens.of(nameOf(replica))
        this.#judge(replica, await this.#read(replica, signal), tokens)
      })
  }

  /** Whether somebody has ever claimed one of the replicas, be it this folder; false when that cannot be read. */
  async wereClaimed(): Promise<boolean> {
    const owners = this.#options.replicas.map((replica) =>
      this.#read(replica, never).catch(
        (error: unknown) => (error as HandcarError).code === 'HANDCAR_REPLICA_OWNED',
      ),
    )
    return (await Promise.all(owners)).some(Boolean)
  }

  /** The database here has become what the replicas hold, so that this folder is like one that never wrote to them. */
  async forget(): Promise<void> {
    for (const replica of this.#options.replicas) {
      const owner = await this.#read(replica, never).catch(() => undefined)
      const tokens = await this.#tokens.of(nameOf(replica))
      if (owner === undefined || !tokens.includes(owner.token)) await this.#tokens.keep(nameOf(replica), [])
    }
  }

  /** Whoever comes next may claim them. Does nothing about those of others. */
  async release({ signal = never }: { signal?: AbortSignal } = {}): Promise<void> {
    for (const replica of this.#options.replicas)
      await this.#guarded(replica, signal, async () => {
        const owner = await this.#read(replica, signal)
        if (owner === undefined || !(await this.#tokens.of(nameOf(replica))).includes(owner.token)) return
        await this.#write(replica, { ...owner, releasedAt: Date.now() }, signal)
      })
  }

  async #claim(replica: ResolvedReplica, takeOver: boolean, signal: AbortSignal): Promise<void> {
    const tokens = await this.#tokens.of(nameOf(replica))
    const before = await this.#readBefore(replica, { tokens, takeOver, signal })
    if (before === 'unknown') return
    if (!takeOver) this.#judge(replica, before, tokens)
    const token = randomUUID()
    await this.#tokens.keep(nameOf(replica), [token, ...(before === undefined ? [] : [before.token])])
    const folder = join(this.#options.folder.path, '..')
    await this.#write(replica, { token, host: hostname(), folder, claimedAt: Date.now() }, signal)
    await sleep(settleTime, undefined, { signal })
    const after = await this.#read(replica, signal)
    if (after !== undefined && after.token !== token) {
      await this.#tokens.keep(nameOf(replica), tokens)
      throw stillOwned(after, nameOf(replica))
    }
    await this.#tokens.keep(nameOf(replica), [token])
  }

  async #readBefore(
    replica: ResolvedReplica,
    { tokens, takeOver, signal }: { tokens: string[]; takeOver: boolean; signal: AbortSignal },
  ): Promise<Owner | undefined | 'unknown'> {
    try {
      return await this.#read(replica, signal)
    } catch (error) {
      const isUnreadable = (error as HandcarError).code === 'HANDCAR_REPLICA_OWNED'
      if (isUnreadable && takeOver) return undefined
      // Litestream keeps what it cannot send; a replica that was ours is most likely ours.
      if (tokens.length === 0 || error instanceof StoreDenied || isUnreadable || signal.aborted) throw error
      this.#warn(replica, `who owns it is not known now: ${String(error)}`)
      return 'unknown'
    }
  }

  #judge(replica: ResolvedReplica, owner: Owner | undefined, tokens: readonly string[]): void {
    if (owner === undefined || tokens.includes(owner.token)) return
    if (owner.releasedAt === undefined) throw stillOwned(owner, nameOf(replica))
    if (tokens.length > 0) throw ownedSince(owner, nameOf(replica))
  }

  async #read(replica: ResolvedReplica, signal: AbortSignal): Promise<Owner | undefined> {
    const store = storeFor(replica, this.#options.environment)
    const text = await unlessAborted(signal, store.read(signal))
    return text === undefined ? undefined : parseOwner(text, nameOf(replica))
  }

  async #write(replica: ResolvedReplica, owner: Owner, signal: AbortSignal): Promise<void> {
    const store = storeFor(replica, this.#options.environment)
    await unlessAborted(signal, store.write(printOwner(owner), signal))
  }

  async #guarded(replica: ResolvedReplica, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    signal.throwIfAborted()
    try {
      await work()
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof StoreDenied)) throw error
      this.#warn(replica, `nobody can tell whether another machine writes to it too: ${error.message}`)
    }
  }

  #warn(replica: ResolvedReplica, what: string): void {
    this.#options.logger.warn({ replica: replica.name }, `${nameOf(replica)}: ${what}`)
  }
}

const nameOf = (replica: ResolvedReplica): string => addressOf(replica, '').replace(/\/$/, '')

/** A folder on a network that is gone answers nothing, not even to a signal. */
async function unlessAborted<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
