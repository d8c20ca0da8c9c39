import type { Clock, Logger } from '../core/index.ts'
import type { Database } from '../database/index.ts'
import { Bound } from './bound/bound.ts'
import { Sweeper } from './bound/sweeper.ts'
import { Changes } from './changes.ts'
import { Codec } from './entries/codec.ts'
import { Faults } from './faults/faults.ts'
import { MemoryLayer } from './memory/memory-layer.ts'
import type { ResolvedOptions } from './options.ts'
import { Reads } from './reads.ts'
import { Flights } from './single-flight/flights.ts'
import { Leases } from './single-flight/leases.ts'
import { Spaces } from './spaces/spaces.ts'
import { Slowest } from './stats/slowest.ts'
import { TopKeys } from './stats/top-keys.ts'
import { Tags } from './tags/tags.ts'
import { Writes } from './writes/writes.ts'

/** The pieces of the cache, and how they are wired. `Cache` is the door to it. */
export class Engine {
  readonly database: Database
  readonly app: Database | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly maxBytes: number
  readonly maxEntries: number | undefined
  readonly codec: Codec
  readonly changes: Changes
  readonly faults: Faults
  readonly spaces: Spaces
  readonly tags: Tags
  readonly memory: MemoryLayer | undefined
  readonly reads: Reads
  readonly writes: Writes
  readonly bound: Bound
  readonly sweeper: Sweeper
  readonly leases: Leases
  readonly flights: Flights
  readonly topKeys = new TopKeys()
  readonly slowest = new Slowest()

  constructor(options: ResolvedOptions) {
    const { database, app, memory } = options
    this.database = database
    this.app = app
    this.clock = options.clock
    this.logger = options.logger
    this.maxBytes = options.maxBytes
    this.maxEntries = options.maxEntries
    this.codec = new Codec({
      maxValue: options.maxValue,
      compressAbove: options.compression,
      seal: options.encryption,
    })
    this.faults = new Faults(this)
    this.changes = new Changes(
      () => database.dataVersion,
      () => this.faults.checkFile(),
    )
    this.spaces = new Spaces(this)
    this.tags = new Tags(app ?? database, app !== undefined)
    this.memory = memory && new MemoryLayer(memory)
    this.reads = new Reads(this)
    this.writes = new Writes(this)
    this.bound = new Bound(this)
    this.sweeper = new Sweeper(this)
    this.leases = new Leases(this)
    this.flights = new Flights(this)
  }

  /** Begins to work on a file, which may be another one than before. */
  async storageIsNew(): Promise<void> {
    this.forget()
    this.leases.leaveSeat()
    if (this.app === undefined) {
      this.tags.stop()
      this.tags.start()
    }
    this.bound.pages.measure(this.database)
    if (this.maxEntries !== undefined) await this.database.write((tx) => this.bound.recount(tx))
  }

  /** Forgets everything that is known of the file. */
  forget(): void {
    this.changes.reset()
    this.spaces.reset()
    this.memory?.clear()
    this.bound.reset()
  }
}
