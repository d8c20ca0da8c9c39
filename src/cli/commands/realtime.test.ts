import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { handcar, RunningCommand } from '../../../test/helpers/command-line.ts'
import { TestClient } from '../../../test/helpers/realtime-client.ts'
import { recordingLogger } from '../../../test/helpers/recording-logger.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { Handcar, loadConfig } from '../../app/index.ts'
import type { AnyChannelDefinition } from '../../realtime/index.ts'

const files = {
  'handcar.config.js': "export default { log: { level: 'warn' } }",
  'src/channels.js': `
import { defineChannel, unchecked } from 'handcar/realtime'
const validate = (value) => typeof value?.text === 'string' ? { value } : { issues: [{ message: 'expected { text }' }] }
const text = { '~standard': { version: 1, vendor: 'test', validate } }
const messages = { said: text, typing: { schema: unchecked(), ephemeral: true } }
export const room = defineChannel({ name: 'room/:id', messages, public: true, presence: true })
export const news = defineChannel({ name: 'news', messages: { said: unchecked() }, public: true })
export const authenticate = (request) => ({ id: request.headers.get('cookie') ?? 'nobody' })`,
}

/** Runs a command that has to end with a code; gives what it prints. */
async function realtime(folder: AppFolder, words: string[], expected = 0): Promise<string> {
  const { code, output, errors } = await handcar(['realtime', ...words], { folder: folder.path })
  assert.equal(code, expected, output + errors)
  return output || errors
}

/** An app as a process of its own would have it. */
async function opened(folder: AppFolder) {
  const app = new Handcar(await loadConfig(folder.path), { migrate: true, logger: recordingLogger() })
  await app.start()
  const definition = (name: string): AnyChannelDefinition =>
    app.realtime.channels.find((each) => each.name === name)!
  return {
    say: (id: number, text: string) => app.realtime.publish(definition('room/:id'), { id }, 'said', { text }),
    [Symbol.asyncDispose]: () => app.stop(),
  }
}

test('what was published can be looked at, followed, and added to beside the app', async () => {
  using folder = appFolder(files)
  assert.match(await realtime(folder, ['stats'], 1), /There is no database/)
  await using app = await opened(folder)
  assert.match(await realtime(folder, ['channels']), /no channels/)
  for (let id = 1; id <= 3; id++) await app.say(id, `hello ${id}`)
  await app.say(1, 'again')

  const list = JSON.parse(await realtime(folder, ['channels', '--json'])) as Record<string, unknown>[]
  assert.deepEqual(
    list.map(({ channel, messages, last, present }) => [channel, messages, last, present]),
    [
      ['room/1', 2, 4, 0],
      ['room/2', 1, 2, 0],
      ['room/3', 1, 3, 0],
    ],
  )
  assert.match(
    await realtime(folder, ['channels', '--prefix', 'room/', '--after', 'room/1', '--limit', '1']),
    /room\/2 +1 +2 .*ago|now/,
  )
  assert.match(await realtime(folder, ['channels', '--prefix', 'other']), /no channels/)

  assert.match(
    await realtime(folder, ['tail', 'room/1', '--end']),
    / 1 room\/1 said \{"text":"hello 1"\}\n.* 4 room\/1 said/,
  )
  const tailed = await realtime(folder, ['tail', '--last', '2', '--end', '--json'])
  assert.deepEqual(
    tailed
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { offset: number }).offset),
    [3, 4],
  )
  await using following = new RunningCommand(['realtime', 'tail', '--after', '3', '--json'], {
    folder: folder.path,
  })
  await following.wrote(/"offset":4/)
  assert.equal(
    await realtime(folder, ['publish', 'room/7', 'said', '{ "text": "by hand" }']),
    'Message 5 is published.\n',
  )
  await following.wrote(/"offset":5,"channel":"room\/7","type":"said","data":\{"text":"by hand"\}/)
  assert.deepEqual(JSON.parse(await realtime(folder, ['publish', 'news', 'said', '--json'])), { offset: 6 })
  await following.wrote(/"offset":6,.*"data":null/)
  assert.equal(following.output.match(/offset/g)?.length, 3)

  assert.match(
    await realtime(folder, ['stats']),
    /^6 messages, the oldest of .*\nposition [0-9a-f]{16}\.6\n0 present/,
  )
  assert.match(
    await realtime(folder, ['publish', 'rom/1', 'said', '1'], 1),
    /no channel "rom\/1"[\s\S]*Channels: news, room/,
  )
  assert.match(await realtime(folder, ['publish', 'room/1', 'said', '{}'], 1), /HANDCAR_REALTIME_MESSAGE/)
  assert.match(await realtime(folder, ['publish', 'room/1', 'said', '{text}'], 2), /expected JSON/)
  assert.match(await realtime(folder, ['tail', '--last', 'all'], 2), /--last: expected a whole number/)
})

test('the clients of an app that runs are shown and sent away; what is not stored reaches them', async () => {
  using folder = appFolder(files)
  const environment = { PORT: '0', WEB_CONCURRENCY: '2', LOG_LEVEL: 'info' }
  await using running = new RunningCommand(['start'], { folder: folder.path, environment })
  const url = `${await running.address()}/realtime`
  using ann = await TestClient.connect(url, { headers: { cookie: 'ann' } })
  using bob = await TestClient.connect(url, { headers: { cookie: 'bob' } })
  for (const client of [ann, bob]) await client.subscribe('room/1', { presence: { via: 'test' } })
  await waitUntil('both are there', async () => {
    const present = JSON.parse(await realtime(folder, ['who', '--json'])) as {
      user: string
      process: string
    }[]
    return (
      present
        .map(({ user }) => user)
        .toSorted()
        .join() === 'ann,bob' && present.every((each) => each.process)
    )
  })
  const table = await realtime(folder, ['who', 'room/1'])
  assert.match(
    table,
    /channel +user +connection +for +process +metadata\nroom\/1 +(ann|bob) .*\{"via":"test"\}/,
  )
  assert.match(await realtime(folder, ['who', 'room/2']), /nobody/)
  await waitUntil('the processes tell of them', async () => {
    const { processes } = JSON.parse(await realtime(folder, ['stats', '--json'])) as {
      processes: { name: string; connections: number }[]
    }
    return processes.length === 2 && processes[0]!.connections + processes[1]!.connections === 2
  })
  assert.match(await realtime(folder, ['publish', 'room/1', 'typing', '"Eve"']), /sent to whoever/)
  for (const client of [ann, bob])
    await waitUntil('it is told', () =>
      client.received.some(({ type, data }) => type === 'typing' && data === 'Eve'),
    )

  assert.match(await realtime(folder, ['disconnect'], 2), /expected --user or --channel/)
  await realtime(folder, ['disconnect', '--user', 'ann', '--reason', 'enough'])
  await ann.untilClosed()
  assert.ok(ann.messages.some((message) => 'bye' in message && message.bye.reason === 'enough'))
  assert.equal(bob.closed, undefined)
  const { position } = JSON.parse(
    await realtime(folder, ['disconnect', '--channel', 'room/1', '--json']),
  ) as {
    position: string
  }
  assert.match(position, /^[0-9a-f]{16}\.\d+$/)
  await bob.until('the end', 'unsubscribed')
})
