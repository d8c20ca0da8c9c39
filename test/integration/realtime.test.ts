import assert from 'node:assert/strict'
import { test } from 'node:test'
import { control, type TreeStatus } from 'handcar/supervisor'
import { appFolder, type AppFolder } from '../helpers/app-folder.ts'
import { handcar, RunningCommand } from '../helpers/command-line.ts'
import { TestClient } from '../helpers/realtime-client.ts'
import { TestStream } from '../helpers/realtime-stream.ts'
import { waitUntil } from '../helpers/wait-until.ts'

/** Realtime in a small app that runs as in production: real processes, a real port. */

const timeout = 90_000

const channels = `
import { defineChannel, unchecked } from 'handcar/realtime'

export const room = defineChannel({
  name: 'room/:id',
  messages: { said: unchecked(), typing: { schema: unchecked(), ephemeral: true } },
  send: { say: unchecked() },
  authorize: ({ user }) => user.id !== 'stranger',
  onMessage: ({ data, user, publish }) => publish('said', { by: user.id, data }),
  presence: true,
})

export const authenticate = (request, { database }) => {
  const id = request.headers.get('cookie')?.slice('user='.length)
  return id === undefined ? { id: database.get("select 'nobody' as id").id } : { id }
}`

const jobs = `
import { defineJob } from 'handcar/jobs'
export const context = {}
export const tell = defineJob({ name: 'tell', perform: (text) => context.tell(text) })`

const app = `
import { room } from './channels.js'
import { context, tell } from './jobs.js'
export default ({ realtime, database, jobs }) => {
  context.tell = async (text) => {
    await realtime.publish(room, { id: 1 }, 'typing', text)
    await realtime.publish(room, { id: 1 }, 'said', text)
  }
  return {
    async fetch(request) {
      const { pathname } = new URL(request.url)
      if (pathname === '/job') await jobs.enqueue(tell, 'job')
      else if (request.method === 'POST') await realtime.publish(room, { id: 1 }, 'said', await request.text())
      return new Response(pathname)
    },
  }
}`

const files = {
  'src/app.js': app,
  'src/channels.js': channels,
  'src/jobs.js': jobs,
  'handcar.config.js': "export default { log: { level: 'warn' }, realtime: { limits: { perAddress: 20 } } }",
}

/** Starts the app; gives its address. */
async function start(folder: AppFolder, web = 2, jobProcesses = 1) {
  const environment = {
    PORT: '0',
    WEB_CONCURRENCY: String(web),
    JOBS_CONCURRENCY: String(jobProcesses),
    LOG_LEVEL: 'info',
  }
  const running = new RunningCommand(['start'], { folder: folder.path, environment })
  return { running, url: await running.address() }
}

const publish = async (url: string, text: string): Promise<void> =>
  void (await fetch(url, { method: 'POST', body: text, headers: { connection: 'close' } })).text()

test(
  'what a process publishes reaches the clients of all, and its path is answered before the app',
  { timeout },
  async () => {
    using folder = appFolder(files)
    const { running, url } = await start(folder)
    await using _running = running
    using ann = await TestClient.connect(`${url}/realtime`, { headers: { cookie: 'user=ann' } })
    using bob = await TestClient.connect(`${url}/realtime`, { headers: { cookie: 'user=bob' } })
    await ann.subscribe('room/1', { presence: { name: 'Ann' } })
    await bob.subscribe('room/1')
    await using stream = await TestStream.open(`${url}/realtime?channel=room/1`)
    assert.deepEqual(await ann.send('room/1', 'say', 'hi'), { ack: 2, result: 1 })
    await publish(url, 'posted')
    await (await fetch(`${url}/job`)).text()
    const isSaid = ({ type }: { type: string }): boolean => type === 'said'
    for (const client of [ann, bob, stream])
      await waitUntil('three messages', () => client.received.filter(isSaid).length === 3)
    for (const { received } of [ann, bob, stream])
      assert.deepEqual(
        received.filter(isSaid).map(({ data }) => data),
        [{ by: 'ann', data: 'hi' }, 'posted', 'job'],
      )
    for (const client of [ann, bob])
      await waitUntil('what is not stored', () => client.received.some(({ type }) => type === 'typing'))
    assert.deepEqual((await bob.until('presence', 'presence')).presence, 'room/1')

    const script = await (await fetch(`${url}/realtime/client.js`)).text()
    assert.match(script, /export/)
    assert.equal(await (await fetch(`${url}/realtime/other`)).text(), '/realtime/other')
    assert.equal(await (await fetch(`${url}/realtimes`)).text(), '/realtimes')
    using stranger = await TestClient.connect(`${url}/realtime`, { headers: { cookie: 'user=stranger' } })
    assert.partialDeepStrictEqual(await stranger.subscribe('room/1'), { error: { code: 'forbidden' } })

    await waitUntil('the tree knows the clients', async () => {
      const { processes } = await control<TreeStatus>(folder.file('data'), 'status')
      const told = processes.flatMap(({ stats: { realtime } }) => realtime?.connections ?? [])
      return told.length === 2 && told[0]! + told[1]! > 3
    })
  },
)

/** Releases while a client of each kind listens, and others come all the time. */
async function release(...flags: string[]): Promise<void> {
  using folder = appFolder(files)
  const { running, url } = await start(folder, 2, 0)
  await using _running = running
  // By then it may be another supervisor.
  await using _stop = {
    [Symbol.asyncDispose]: async () => void (await handcar(['stop'], { folder: folder.path })),
  }
  using before = await TestClient.of(`${url}/realtime`, 'room/1')
  await using stream = await TestStream.open(`${url}/realtime?channel=room/1`)
  await publish(url, 'one')
  await before.untilReceived(1)
  const reload = handcar(['reload', ...flags], { folder: folder.path })
  // Somebody connects all the time: whichever process has the upgrade, nobody is left without an answer.
  const over = new AbortController()
  const connects = (async () => {
    while (!over.signal.aborted) {
      using client = new TestClient(`${url}/realtime`)
      await waitUntil('a welcome', () => client.messages.some((message) => 'welcome' in message))
    }
  })()
  assert.deepEqual(await before.untilClosed(), { code: 1012, reason: 'The server restarts' })
  const last = before.messages.at(-1)!
  assert.ok('bye' in last && last.bye.in < 3_000, JSON.stringify(last))
  await publish(url, 'two')
  using after = await TestClient.connect(`${url}/realtime`)
  const position = before.received.at(-1)!.offset!
  const { position: now } = (await after.until('welcome', 'welcome')).welcome
  await after.subscribe('room/1', { from: `${now.split('.')[0]}.${position}` })
  await after.untilReceived(1)
  assert.deepEqual(after.data, ['two'])
  await waitUntil('the stream has ended', () => stream.isEnded)
  assert.ok(stream.messages.some((message) => 'bye' in message))
  const { code, errors } = await reload
  over.abort()
  await connects
  assert.equal(code, 0, errors)
  assert.doesNotMatch(running.output, /cut off/)
}

test('a release tells the clients when to come back: nothing is lost, nothing comes twice', { timeout }, () =>
  release(),
)

test('so does a release that replaces the supervisor too', { timeout }, () => release('--supervisor'))

test("without channels there is no realtime, and the path is the app's", { timeout }, async () => {
  using folder = appFolder()
  const { running, url } = await start(folder, 1, 0)
  await using _running = running
  assert.equal(await (await fetch(`${url}/realtime`)).text(), 'hello')
  using client = new TestClient(`${url}/realtime`)
  assert.equal((await client.untilClosed()).code, 1006)
})
