import { systemClock, type Clock, type Logger } from '../../src/core/index.ts'
import type { Database, DatabaseOptions } from '../../src/database/index.ts'
import { Feed } from '../../src/realtime/log/feed.ts'
import { Log } from '../../src/realtime/log/log.ts'
import type { StoredMessage } from '../../src/realtime/log/message.ts'
import { migrations } from '../../src/realtime/migrations.ts'
import { temporaryDatabase } from '../../src/testing/index.ts'
import { recordingLogger } from './recording-logger.ts'

/** A database with the tables of realtime. */
export function realtimeDatabase(options: Partial<DatabaseOptions> = {}): Promise<Database> {
  return temporaryDatabase({ partMigrations: { realtime: migrations }, readers: false, ...options })
}

/** A log with a started feed that writes down what it delivers. */
export class FollowedLog implements Disposable {
  readonly log: Log
  readonly feed: Feed
  readonly logger: Logger & { lines: unknown[] }
  readonly received: StoredMessage[] = []
  readonly slices: number[] = []

  constructor(database: Database, { clock = systemClock, memory }: { clock?: Clock; memory?: number } = {}) {
    this.log = new Log({ database, clock })
    this.logger = recordingLogger()
    this.feed = new Feed({
      database,
      log: this.log,
      logger: this.logger,
      ...(memory === undefined ? {} : { memory }),
    })
    this.feed.onMessages((messages) => {
      this.slices.push(messages.length)
      this.received.push(...messages)
    })
    this.feed.start()
  }

  /** The offsets that were received. */
  get offsets(): number[] {
    return this.received.map(({ offset }) => offset)
  }

  [Symbol.dispose](): void {
    this.feed.stop()
  }
}
