import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { z } from 'zod'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { realtimeDatabase } from '../../test/helpers/realtime.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { Database } from '../database/index.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { defineChannel, fragment, Realtime, unchecked, type RealtimeOptions } from './index.ts'

const room = defineChannel({
  name: 'room/:id',
  messages: {
    posted: z.object({ id: z.number(), at: z.string().default('now') }),
    typing: { schema: unchecked<string>(), ephemeral: true },
    anything: unchecked<unknown>(),
    fragment,
  },
  public: true,
  maxMessage: '10kb',
})

async function start(database: Database, options: Partial<RealtimeOptions> = {}): Promise<Realtime> {
  const realtime = new Realtime({ database, channels: [room], logger: recordingLogger(), ...options })
  await realtime.start()
  return realtime
}

/** The messages of an event stream, as they come. */
async function listen(
  realtime: Realtime,
  query: string,
  path = '/realtime',
): Promise<{ seen: Record<string, unknown>[] } & AsyncDisposable> {
  const response = await realtime.fetch(new Request(`http://localhost${path}?${query}`))
  assert.equal(response.status, 200)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const seen: Record<string, unknown>[] = []
  const read = async () => {
    let text = ''
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      text += chunk.value
      const events = text.split('\n\n')
      text = events.pop()!
      for (const event of events)
        for (const line of event.split('\n'))
          if (line.startsWith('data:')) seen.push(JSON.parse(line.slice(5)) as Record<string, unknown>)
    }
  }
  const reading = read().catch(() => {})
  await waitUntil('it is subscribed', () => seen.some((message) => 'subscribed' in message))
  const end = async () => {
    await reader.cancel()
    await reading
  }
  return { seen, [Symbol.asyncDispose]: end }
}

const messagesOf = ({ seen }: { seen: Record<string, unknown>[] }) =>
  seen.filter((message) => 'type' in message)

test('what is published in a transaction reaches clients after it, as its schema has made it', async () => {
  await using database = await realtimeDatabase()
  await using realtime = await start(database)
  await using client = await listen(realtime, 'channel=room/1')
  const offset = await database.write(async () => {
    const published = realtime.publish(room, { id: 1 }, 'posted', { id: 7 })
    assert.deepEqual(messagesOf(client), [])
    return await published
  })
  await waitUntil('it has come', () => messagesOf(client).length > 0)
  assert.deepEqual(messagesOf(client), [
    { channel: 'room/1', offset, type: 'posted', data: { id: 7, at: 'now' } },
  ])
  assert.equal(offset, 1)
})

test('a client that comes later gets what came after its position', async () => {
  await using database = await realtimeDatabase()
  await using realtime = await start(database)
  const channel = realtime.channel(room, { id: 1 })
  await channel.publish('posted', { id: 1 })
  const position = database.read(() => realtime.position())
  assert.equal(channel.position(), position)
  await channel.publish('posted', { id: 2 })
  await realtime.publish(room, { id: 2 }, 'posted', { id: 3 })
  await using client = await listen(realtime, `channel=room/1&from=${position}`)
  await waitUntil('it has come', () => messagesOf(client).length > 0)
  assert.deepEqual(
    messagesOf(client).map(({ offset }) => offset),
    [2],
  )
})

test('what is refused throws at once in a transaction, which rolls back, and rejects outside', async () => {
  await using database = await realtimeDatabase()
  await using realtime = await start(database)
  const wrong: [string, () => unknown][] = [
    ['HANDCAR_REALTIME_MESSAGE', () => realtime.publish(room, { id: 1 }, 'posted', { id: 'x' } as never)],
    ['HANDCAR_REALTIME_MESSAGE', () => realtime.publish(room, { id: 1 }, 'gone' as never, {} as never)],
    ['HANDCAR_REALTIME_MESSAGE', () => realtime.publish(room, { id: 1 }, 'anything', () => {})],
    ['HANDCAR_REALTIME_MESSAGE', () => realtime.publish(room, { id: 1 }, 'anything', 'x'.repeat(20_000))],
    [
      'HANDCAR_REALTIME_MESSAGE',
      () => realtime.publishFragment(room, { id: 1 }, { target: '', action: 'append' }),
    ],
    ['HANDCAR_REALTIME_CHANNEL', () => realtime.publish(room, {} as never, 'posted', { id: 1 })],
    ['HANDCAR_OPTION_INVALID', () => realtime.disconnect({ user: {} as never })],
  ]
  for (const [code, work] of wrong) {
    assert.equal(await codeOf(work), code)
    const writing = database.write(() => {
      void realtime.publish(room, { id: 1 }, 'posted', { id: 1 })
      void work()
    })
    assert.equal(await codeOf(() => writing), code)
  }
  assert.match(realtime.position(), /\.0$/)
  const { message } = await errorOf(() => realtime.publish(room, { id: 1 }, 'anything', 'x'.repeat(20_000)))
  assert.match(message, /message "anything" of channel "room\/:id" has 19.5 KB, more than 10 KB/i)
})

test('ephemeral messages reach the clients of all processes and are nowhere else', async () => {
  await using database = await realtimeDatabase()
  await using here = await start(database)
  await using there = await start(database)
  await waitUntil('they have met', () => here.stats().relay?.peers === 1)
  await using client = await listen(here, 'channel=room/1')
  await using other = await listen(there, 'channel=room/1')
  assert.equal(await here.publish(room, { id: 1 }, 'typing', 'me\n"ä"'), undefined)
  await waitUntil('both have it', () => messagesOf(client).length + messagesOf(other).length === 2)
  assert.deepEqual(messagesOf(other), [{ channel: 'room/1', type: 'typing', data: 'me\n"ä"' }])
  assert.deepEqual(here.channel(room, { id: 1 }).history(), [])
})

test('the history of a channel is the latest messages, or those after a position', async () => {
  await using database = await realtimeDatabase()
  await using realtime = await start(database)
  const channel = realtime.channel(room, { id: 1 })
  await channel.publish('anything', [1])
  const position = realtime.position()
  await channel.publish('anything', [2])
  await channel.publish('anything', [3])
  const data = (messages: { data: unknown }[]) => messages.map((message) => message.data)
  assert.deepEqual(data(channel.history()), [[1], [2], [3]])
  assert.deepEqual(data(channel.history({ limit: 1 })), [[3]])
  assert.deepEqual(data(channel.history({ after: position })), [[2], [3]])
  assert.deepEqual(data(channel.history({ after: 2, limit: 5 })), [[3]])
  assert.equal(await codeOf(() => channel.history({ after: 'x' })), 'HANDCAR_OPTION_INVALID')
})

test('a right that is taken away in a transaction ends at its place in the log', async () => {
  await using database = await realtimeDatabase()
  const members = new Set([1])
  const club = defineChannel({
    name: 'club',
    messages: { posted: unchecked<number>() },
    authorize: ({ user }) => members.has(user?.id as number),
  })
  await using realtime = await start(database, { channels: [club], authenticate: () => ({ id: 1 }) })
  await using client = await listen(realtime, 'channel=club')
  await database.write(() => {
    void realtime.publish(club, {}, 'posted', 1)
    members.delete(1)
    void realtime.reauthorize({ channel: 'club', user: 1 })
    void realtime.publish(club, {}, 'posted', 2)
  })
  await realtime.publish(club, {}, 'posted', 3)
  await waitUntil('it is over', () => client.seen.some((message) => 'unsubscribed' in message))
  assert.deepEqual(
    messagesOf(client).map(({ data }) => data),
    [1],
  )
})

test('a new epoch makes every position a gap', async () => {
  await using database = await realtimeDatabase()
  await using realtime = await start(database)
  await realtime.publish(room, { id: 1 }, 'posted', { id: 1 })
  const position = realtime.position()
  await using before = await listen(realtime, `channel=room/1&from=${position}`)
  await realtime.newEpoch()
  await waitUntil('who is there is told', () => before.seen.some((message) => 'gap' in message))
  await using client = await listen(realtime, `channel=room/1&from=${position}`)
  assert.equal(client.seen.find((message) => 'subscribed' in message)?.recovered, false)
})

test('fragments, stats and retention', async () => {
  await using database = await realtimeDatabase()
  await using realtime = await start(database, { retention: { count: 2 } })
  const sent = { target: '#comments', action: 'append', html: '<p>hi</p>' } as const
  for (let count = 0; count < 5; count++) await realtime.publishFragment(room, { id: 1 }, sent)
  assert.deepEqual(realtime.channel(room, { id: 1 }).history({ limit: 1 })[0]?.data, sent)
  await waitUntil('the feed has it', () => realtime.stats().feed.position.offset === 5)
  assert.equal(realtime.stats().feed.lag, 0)
  assert.deepEqual(await realtime.trim(), { messages: 3, channels: 1 })
  assert.equal(realtime.stats().retention.trimmed, 3)
})

test('the client is a file, and other paths are nothing', async () => {
  await using database = await realtimeDatabase()
  await using realtime = await start(database, { path: '/live' })
  const get = (path: string) => realtime.fetch(new Request(`http://localhost${path}`))
  const file = await get('/live/client.js')
  assert.match(file.headers.get('content-type')!, /^text\/javascript/)
  assert.match(await file.text(), /export/)
  assert.equal((await get('/realtime?channel=room/1')).status, 404)
  await using _client = await listen(realtime, 'channel=room/1', '/live')
})

test('a connection for another path is not a WebSocket', async () => {
  await using database = await realtimeDatabase()
  const realtime = new Realtime({ database, channels: [room] })
  const upgrade = async (url: string): Promise<string> => {
    const [port1, port2] = duplexPair()
    realtime.upgrade({ url } as IncomingMessage, port1, Buffer.alloc(0))
    return (await port2.toArray()).join('')
  }
  assert.match(await upgrade('/realtime'), /^HTTP\/1.1 503 /)
  await realtime.start()
  assert.match(await upgrade('/other?x'), /^HTTP\/1.1 404 /)
  await realtime.stop()
})

test('without its tables it does not start, and it is not used before', async () => {
  await using database = await temporaryDatabase({ readers: false })
  const realtime = new Realtime({ database, channels: [room] })
  assert.equal(
    await codeOf(() => realtime.publish(room, { id: 1 }, 'posted', { id: 1 })),
    'HANDCAR_NOT_STARTED',
  )
  assert.equal(await codeOf(() => realtime.start()), 'HANDCAR_REALTIME_TABLES')
  assert.equal(await codeOf(() => realtime.stats()), 'HANDCAR_NOT_STARTED')
})

test('wrong options are refused', async () => {
  await using database = await realtimeDatabase()
  const wrong: object[] = [
    { database: {} },
    { channels: [{}] },
    { channels: room },
    { origins: ['example.com'] },
    { origins: ['https://example.com/'] },
    { path: 'realtime' },
    { path: '/realtime/' },
    { retention: { count: 0 } },
    { limits: { channel: 1 } },
    { clock: {} },
  ]
  const reason = async (options: object) =>
    (await errorOf(() => new Realtime({ database, ...options }))).message
  assert.match(await reason({ origins: ['https://a.com', 'example.com'] }), /got "example\.com"/)
  assert.match(await reason({ path: '/realtime/' }), /ends without one/)
  for (const options of wrong)
    assert.match(
      (await codeOf(() => new Realtime({ database, ...options }))) ?? '',
      /^HANDCAR_OPTION/,
      JSON.stringify(options),
    )
})

test('a process that only publishes also starts where nothing may be written, to look at what there is', async () => {
  using folder = temporaryFolder()
  const options = { path: folder.file('app.sqlite3'), readers: false } as const
  const writable = new Database({ ...options, partMigrations: { realtime: Realtime.migrations } })
  await writable.start()
  await writable.run("insert into handcar_messages (channel, type) values ('room/1', 'posted')")
  await writable.stop()
  await using database = new Database({ ...options, readOnly: true })
  await database.start()
  await using realtime = new Realtime({ database, channels: [room], serve: false, logger: recordingLogger() })
  await realtime.start()
  assert.match(realtime.position(), /\.1$/)
  assert.equal(await codeOf(() => realtime.disconnect({ user: 1 })), 'HANDCAR_READ_ONLY')
})

test('how a process stands is told also when the database can no longer be asked', async () => {
  const database = await realtimeDatabase()
  await using realtime = await start(database)
  const well = { connections: 0, subscriptions: 0, behind: 0, buffered: 0, lag: 0, isReading: true }
  assert.deepEqual(realtime.here, well)
  await database.stop()
  assert.deepEqual(realtime.here, { ...well, isReading: false })
})
