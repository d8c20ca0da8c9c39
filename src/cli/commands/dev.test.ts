import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { RunningCommand } from '../../../test/helpers/command-line.ts'
import { childrenOf, isAlive } from '../../../test/helpers/processes.ts'
import { TestClient } from '../../../test/helpers/realtime-client.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'

const respond = (text: string): string => `export default { fetch: () => new Response('${text}') }`

function startDev(folder: AppFolder): RunningCommand {
  return new RunningCommand(['dev', '--port', '0'], { folder: folder.path })
}

/** On a connection of its own: a kept one may be closed by the process that is replaced just when the next request is sent. */
const get = async (address: string): Promise<string> =>
  (await fetch(address, { headers: { connection: 'close' } })).text()

/** Asks until the answer is as expected: when a file was saved is known to the watcher a little later than to us. */
async function answers(address: string, pattern: RegExp): Promise<void> {
  await waitUntil(`the answer ${pattern}`, async () => pattern.test(await get(address)), 30_000)
}

test('serves what was saved: the app, what it imports, the configuration, .env, migrations', async () => {
  using folder = appFolder({ 'src/app.js': respond('one') })
  await using dev = startDev(folder)
  const address = await dev.address()
  assert.equal(await get(address), 'one')
  await dev.wrote(/Started in \d/)

  folder.write('src/app.js', respond('two'))
  await answers(address, /^two$/)
  await dev.wrote(/Reloaded src\/app\.js in \d/)

  folder.write(
    'src/text.ts',
    "export const text: string = `${process.env['WORD']} ${process.env['NODE_ENV']}`",
  )
  folder.write(
    'src/app.js',
    "import { text } from './text.ts'; export default { fetch: () => new Response(text) }",
  )
  await answers(address, /^undefined development$/)
  folder.write('.env', 'WORD=three')
  await answers(address, /^three development$/)
  folder.write('.env', 'WORD=four')
  await answers(address, /^four development$/)
  folder.write('src/text.ts', "export const text: string = 'five'")
  await answers(address, /^five$/)

  folder.write(
    'src/app.js',
    `
    export default ({ config, database }) => ({
      fetch: () => Response.json([config.server.bodyLimit, database.all('select name from pragma_table_list')]),
    })`,
  )
  await answers(address, /^\[16777216/)
  folder.write('handcar.config.ts', "export default { server: { bodyLimit: '1kb' } }")
  await answers(address, /^\[1024/)
  folder.write('db/migrations/20260101000000_posts.sql', 'create table posts (title text)')
  await answers(address, /posts/)
})

test('clients of realtime are sent away when a file was saved, and come back to the new code', async () => {
  const channels = (public_: string): string => `
    import { defineChannel, unchecked } from 'handcar/realtime'
    export const room = defineChannel({ name: 'room/:id', messages: { said: unchecked() }, ${public_} })`
  using folder = appFolder({ 'src/channels.js': channels('public: true') })
  await using dev = startDev(folder)
  const url = `${await dev.address()}/realtime`
  using before = await TestClient.of(url, 'room/1')
  folder.write('src/channels.js', channels('authorize: () => false'))
  assert.equal((await before.untilClosed()).code, 1012)
  assert.ok(before.messages.some((message) => 'bye' in message))
  using after = await TestClient.connect(url)
  assert.partialDeepStrictEqual(await after.subscribe('room/1'), { error: { code: 'forbidden' } })
})

test('jobs are performed by the code that was saved, also those that the old code was busy with', async () => {
  const jobs = (perform: string): string => `
    import { defineJob } from 'handcar/jobs'
    export const job = defineJob({ name: 'job', async perform(_, { signal, attempt }) { ${perform} } })`
  using folder = appFolder({
    'src/jobs.js': jobs("console.log('begun'); await new Promise((resolve) => setTimeout(resolve, 1e9))"),
    'src/app.js': `
      import { job } from './jobs.js'
      let first
      export default ({ jobs }) => ({
        async fetch(request) {
          const handle = await jobs.enqueue(job)
          if (new URL(request.url).pathname === '/enqueue') return new Response('enqueued')
          return Response.json([await handle.result(), await jobs.get(1).then(({ state, result, attempt }) => ({ state, result, attempt }))])
        },
      })`,
  })
  await using dev = startDev(folder)
  const address = await dev.address()
  assert.equal(await get(`${address}/enqueue`), 'enqueued')
  await dev.wrote(/^begun$/m)
  folder.write('src/jobs.js', jobs('return `new code, attempt ${attempt}`'))
  await answers(
    address,
    /^\["new code, attempt 1",\{"state":"completed","result":"new code, attempt 1","attempt":1\}\]$/,
  )
})

test('a connection that is kept alive sees the new code too', async () => {
  using folder = appFolder({ 'src/app.js': respond('one') })
  await using dev = startDev(folder)
  const address = await dev.address()
  const socket = connect(Number(new URL(address).port), '127.0.0.1')
  const closed = once(socket, 'close')
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.match(answer.toString(), /one/)
  folder.write('src/app.js', respond('two'))
  await closed
  assert.equal(await get(address), 'two')
})

const broken: [string, string, RegExp][] = [
  ['does not parse', 'export default {\nfoo bar }', /src\/app\.js:2[^]*foo bar[^]*SyntaxError/],
  ['throws', "throw new Error('<broken>')", /Error: &lt;broken&gt;\n +at .*src\/app\.js:1/],
  ['is no app', 'export const a = 1', /Expected a default export[^]*HANDCAR_APP_INVALID/],
  ['ends the process', 'process.exit(3)', /ended with exit code 3/],
  ['throws later', `setTimeout(() => { throw new Error('later') }, 50); ${respond('begun')}`, /Error: later/],
]
for (const [name, code, page] of broken) {
  test(`code that ${name} is printed and shown, until it is mended`, async () => {
    using folder = appFolder({ 'src/app.js': respond('one') })
    await using dev = startDev(folder)
    const address = await dev.address()
    assert.equal(await get(address), 'one')
    folder.write('src/app.js', code)
    await answers(address, page)
    const { status, headers } = await fetch(address)
    assert.equal(status, 500)
    assert.match(headers.get('content-type')!, /text\/html/)
    await dev.wrote(/error: [^]*Waiting for a change/)
    folder.write('src/app.js', respond('mended'))
    await answers(address, /^mended$/)
  })
}

test('a request on its way to a process that dies is answered with the reason, and so is one that it was working on', async () => {
  using folder = appFolder({
    'src/app.js': `
      const dieBlocked = () => {
        console.log('blocked')
        for (const endAt = Date.now() + 1_000; Date.now() < endAt; );
        process.exit(4)
      }
      export default {
        fetch(request) {
          if (request.url.endsWith('/block')) setTimeout(dieBlocked, 10)
          else if (request.url.endsWith('/throw')) setImmediate(() => { throw new Error('while answering') })
          else return new Response('alive')
          return new Promise(() => {})
        },
      }`,
  })
  await using dev = startDev(folder)
  const address = await dev.address()
  const busy = get(`${address}/block`)
  await dev.wrote(/^blocked$/m)
  const late = [1, 2, 3].map(() => get(address))
  for (const page of await Promise.all([busy, ...late])) assert.match(page, /ended with exit code 4/)
  folder.write('src/other.js', '')
  await answers(address, /^alive$/)
  assert.match(await get(`${address}/throw`), /Error: while answering/)
})

test('an app that is broken from the start is shown, and starts when it is mended', async () => {
  using folder = appFolder({ 'src/app.js': 'nope' })
  await using dev = startDev(folder)
  const address = await dev.address()
  await answers(address, /nope is not defined/)
  folder.write('src/app.js', respond('mended'))
  await answers(address, /^mended$/)
})

test('a change while the app starts, an app that never starts, and one that never stops', async () => {
  using folder = appFolder({ 'src/app.js': respond('one') })
  await using dev = startDev(folder)
  const address = await dev.address()
  assert.equal(await get(address), 'one')
  folder.write('src/app.js', "console.log('hangs'); await new Promise((resolve) => setTimeout(resolve, 1e9))")
  await dev.wrote(/^hangs$/m)
  folder.write(
    'src/app.js',
    `export default { fetch: () => new Response('two'), stop: () => new Promise(() => {}) }`,
  )
  await answers(address, /^two$/)
  folder.write('src/app.js', "export default { fetch() { console.log('blocked'); for (;;); } }")
  await dev.wrote(/Reloaded[^]*Reloaded/)
  const cut = fetch(address).then(
    () => 'answered',
    () => 'cut',
  )
  await dev.wrote(/^blocked$/m)
  folder.write('src/app.js', respond('three'))
  await answers(address, /^three$/)
  assert.equal(await cut, 'cut')
})

test('what the app writes to its data folder is no change', async () => {
  using folder = appFolder({
    'src/app.js': `
      import { writeFileSync } from 'node:fs'
      let requests = 0
      export default ({ config, database }) => ({
        async fetch() {
          writeFileSync(config.data + '/file.txt', 'a')
          await database.run('create table if not exists a (b)')
          await database.run('insert into a values (1)')
          return new Response(String(++requests))
        },
      })`,
  })
  await using dev = startDev(folder)
  const address = await dev.address()
  for (let request = 1; request <= 20; request++) assert.equal(await get(address), String(request))
})

test('nothing outlives it, and it takes signals', async () => {
  using folder = appFolder()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
    await using dev = startDev(folder)
    await get(await dev.address())
    const children = childrenOf(dev.pid, 'dev-process')
    assert.equal(children.length, 2, 'the app and the spare')
    dev.signal(signal)
    assert.equal(await dev.ended(), signal)
    await waitUntil('the children are gone', () => children.every((pid) => !isAlive(pid)))
  }
})

test('a folder that goes away ends nothing', async () => {
  using folder = appFolder({ 'views/page.html': 'a' })
  await using dev = startDev(folder)
  const address = await dev.address()
  assert.equal(await get(address), 'hello')
  rmSync(folder.file('views'), { recursive: true })
  await dev.wrote(/Reloaded views/)
  assert.equal(await get(address), 'hello')
})
