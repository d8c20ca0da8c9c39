import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { TestClient } from '../../test/helpers/realtime-client.ts'
import { RealtimeServer } from '../../test/helpers/realtime-server.ts'
import { realtimeDatabase } from '../../test/helpers/realtime.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { systemClock } from '../core/index.ts'
import { unchecked } from './channels/channel-types.ts'
import { defineChannel } from './channels/define-channel.ts'
import { Presence } from './presence/presence.ts'

const room = defineChannel({ name: 'room/:id', public: true, messages: { posted: unchecked<unknown>() } })
const hour = 3_600_000

/** Sets the machine's clock, as far as this process sees it, until the block ends. */
function setClock(by: number): Disposable {
  const { now } = Date
  const mocked = mock.method(Date, 'now', () => now() + by)
  return { [Symbol.dispose]: () => mocked.mock.restore() }
}

for (const [how, by] of [
  ['on', hour],
  ['back', -hour],
] as const) {
  test(`a clock that is set ${how} by an hour ends no connection, and heartbeats go on`, async () => {
    await using server = await RealtimeServer.start({ channels: [room], heartbeat: 100 })
    using client = await TestClient.of(server.url, 'room/1')
    using _ = setClock(by)
    const heartbeats = () =>
      client.messages.filter((message) => 'position' in message && !('subscribed' in message))
    const before = heartbeats().length
    await waitUntil('heartbeats come', () => heartbeats().length >= before + 10)
    await server.publish('room/1', 'posted', 1)
    await client.untilReceived(1)
    assert.equal(client.closed, undefined)
  })

  test(`a clock that is set ${how} by an hour lets nobody be present who is gone`, async () => {
    await using database = await realtimeDatabase()
    const start = async (): Promise<Presence> => {
      const presence = new Presence({ database, clock: systemClock, logger: recordingLogger(), grace: 300 })
      await presence.start()
      return presence
    }
    const [one, other] = [await start(), await start()]
    const of = (connection: string) => ({ user: connection, connection, metadata: null })
    await one.join('room/1', of('leaves'))
    await one.join('room/1', of('stays'))
    await other.join('room/1', of('is handed over'))
    one.leaveAll('leaves')
    await other.stop()
    using _ = setClock(by)
    await waitUntil('one is left', () => one.list('room/1').length === 1)
    assert.deepEqual(one.list('room/1'), [of('stays')])
    await one.stop()
  })
}
