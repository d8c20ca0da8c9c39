import type { Database } from '../../src/database/index.ts'
import type { PresenceEntry } from '../../src/realtime/protocol.ts'
import { presenceMigrations } from '../../src/realtime/presence/migrations.ts'
import { Presence } from '../../src/realtime/presence/presence.ts'
import { FakeClock, temporaryDatabase } from '../../src/testing/index.ts'
import { recordingLogger, type RecordingLogger } from './recording-logger.ts'
import { waitUntil } from './wait-until.ts'

/** Presences on one database, ended with the block. */
export interface PresencesForTest extends AsyncDisposable {
  readonly database: Database
  readonly clock: FakeClock
  readonly logger: RecordingLogger
  readonly presences: Presence[]
  /** One more, as if in a process of its own. */
  add(): Promise<Presence>
}

/** Starts presences in this process, whose time stands still until `clock` goes on; the grace is 2 s. */
export async function presencesForTest(count: number): Promise<PresencesForTest> {
  const database = await temporaryDatabase({
    partMigrations: { realtime: presenceMigrations },
    readers: false,
  })
  const clock = new FakeClock()
  const logger = recordingLogger()
  const presences: Presence[] = []
  const add = async (): Promise<Presence> => {
    const presence = new Presence({ database, clock, logger, grace: 2_000 })
    await presence.start()
    presences.push(presence)
    return presence
  }
  for (let index = 0; index < count; index++) await add()
  return {
    database,
    clock,
    logger,
    presences,
    add,
    async [Symbol.asyncDispose]() {
      for (const presence of presences) await presence.stop()
      await database.stop()
    },
  }
}

/** What somebody knows who has read the list once and heard of all changes since. */
export class Mirror {
  readonly #channels = new Map<string, Map<string, PresenceEntry>>()
  /** `+user`, `~user` for other metadata, `-user`, in the order in which they were told. */
  readonly story: string[] = []

  constructor(presence: Presence) {
    presence.onChange((channel, { joined, left }) => {
      const entries = this.#of(channel)
      for (const entry of joined) {
        this.story.push(`${entries.has(entry.connection) ? '~' : '+'}${entry.user}`)
        entries.set(entry.connection, entry)
      }
      for (const entry of left) if (entries.delete(entry.connection)) this.story.push(`-${entry.user}`)
    })
  }

  /** In the order of `list()`. */
  list(channel: string): PresenceEntry[] {
    return [...this.#of(channel).values()].sort((one, other) => (one.connection < other.connection ? -1 : 1))
  }

  /** Those who are there, once each. */
  users(channel: string): string[] {
    return [...new Set(this.list(channel).map(({ user }) => user))].sort()
  }

  #of(channel: string): Map<string, PresenceEntry> {
    let entries = this.#channels.get(channel)
    if (entries === undefined) this.#channels.set(channel, (entries = new Map()))
    return entries
  }
}

/** Waits until a list has so many entries. */
export function untilPresent(presence: Presence, channel: string, count: number): Promise<void> {
  return waitUntil(`${count} are in ${channel}`, () => presence.list(channel).length === count)
}
