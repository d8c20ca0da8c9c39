import { Relay } from '../../src/realtime/relay/relay.ts'
import { recordingLogger, type RecordingLogger } from './recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts'
import { waitUntil } from './wait-until.ts'

/** Relays of one database, ended with the block. */
export interface RelaysForTest extends AsyncDisposable {
  readonly folder: TemporaryFolder
  readonly path: string
  readonly relays: Relay[]
  readonly logger: RecordingLogger
  /** One more. */
  add(): Promise<Relay>
}

/** Starts relays in this process, each as if it were in a process of its own, and waits until they have met. */
export async function relaysForTest(count: number): Promise<RelaysForTest> {
  const folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  const logger = recordingLogger()
  const relays: Relay[] = []
  const add = async (): Promise<Relay> => {
    const relay = new Relay({ path, logger })
    relays.push(relay)
    await relay.start()
    return relay
  }
  await Promise.all(Array.from({ length: count }, add))
  await untilMet(relays)
  return {
    folder,
    path,
    relays,
    logger,
    add,
    async [Symbol.asyncDispose]() {
      await Promise.all(relays.map((relay) => relay.stop()))
      folder[Symbol.dispose]()
    },
  }
}

/** Waits until each knows of all others. */
export function untilMet(relays: readonly Relay[]): Promise<void> {
  return waitUntil('the relays meet', () => relays.every(({ peers }) => peers === relays.length - 1))
}
