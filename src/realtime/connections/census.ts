import { Arrivals } from './arrivals.ts'
import type { Client, Connection } from './connection.ts'
import type { Limits } from './limits.ts'

/** All connections of this process, counted by user and by address. */
export class Census {
  readonly all = new Set<Connection>()
  readonly #limits: Limits
  readonly #byUser = new Map<string, Set<Connection>>()
  readonly #byAddress = new Map<string, number>()
  readonly arrivals = new Arrivals()

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Whether there is no room for one more, whoever it is. */
  get isFull(): boolean {
    return this.all.size + this.arrivals.size >= this.#limits.connections
  }

  /** Whether a client has as many connections as it may have. */
  hasTooMany({ user, address }: Pick<Client, 'user' | 'address'>): boolean {
    const { perUser, perAddress } = this.#limits
    const ofUser = user === undefined ? 0 : this.ofUser(String(user.id)).size
    return ofUser >= perUser || (perAddress > 0 && (this.#byAddress.get(address) ?? 0) >= perAddress)
  }

  /** The connections of a user. */
  ofUser(user: string): ReadonlySet<Connection> {
    return this.#byUser.get(user) ?? nobody
  }

  add(connection: Connection): void {
    this.all.add(connection)
    const { user, client } = connection
    if (user !== undefined) this.#byUser.set(user, (this.#byUser.get(user) ?? new Set()).add(connection))
    this.#byAddress.set(client.address, (this.#byAddress.get(client.address) ?? 0) + 1)
  }

  remove(connection: Connection): void {
    this.all.delete(connection)
    const { user, client } = connection
    const ofUser = user === undefined ? undefined : this.#byUser.get(user)
    if (ofUser?.delete(connection) && ofUser.size === 0) this.#byUser.delete(user!)
    const left = (this.#byAddress.get(client.address) ?? 1) - 1
    if (left > 0) this.#byAddress.set(client.address, left)
    else this.#byAddress.delete(client.address)
  }
}

const nobody: ReadonlySet<Connection> = new Set()
