import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { childrenOf, isAlive, until } from './helpers/processes.ts'
import { RunningApp } from './helpers/running-app.ts'
import { seededFolder } from './helpers/site.ts'

/** A folder whose database is there already; the first test makes its own, as a first start does. */
const data = await seededFolder()

const sameOrigin = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }

const refuses = (url: string) =>
  fetch(`${url}/up`).then(
    () => false,
    () => true,
  )

/** A sign-up whose headers the server has and whose body it still waits for: a request that was begun. */
async function beginSignUp(url: string, screen_name: string) {
  const sending = request(`${url}/users`, {
    method: 'POST',
    headers: { ...sameOrigin, expect: '100-continue' },
  })
  sending.flushHeaders()
  await once(sending, 'continue')
  return async function finish(): Promise<number | undefined> {
    sending.end(new URLSearchParams({ screen_name, password: 'correct horse' }).toString())
    const [response] = (await once(sending, 'response')) as [IncomingMessage]
    await response.resume().toArray()
    return response.statusCode
  }
}

/** Asks once over a connection that then stays open; gives the connection. */
async function leaveIdleConnection(url: string): Promise<Socket> {
  const asking = request(`${url}/up`, { agent: new Agent({ keepAlive: true }) }).end()
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  const { socket } = response
  await response.resume().toArray()
  return socket
}

test('several processes serve one port; one that dies is replaced', { timeout: 60_000 }, async () => {
  await using app = new RunningApp({ WEB_CONCURRENCY: '2' })
  const url = await app.url()
  await app.printed(/Sign in as natus_000 with the password “password”/)
  assert.equal((await fetch(`${url}/`)).status, 200)
  const [victim, other] = childrenOf(app.process.pid!)
  process.kill(victim!, 'SIGKILL')
  await until(() => !isAlive(victim!), 'the end of the victim')
  await until(() => childrenOf(app.process.pid!).length === 2, 'two processes')
  assert.ok(childrenOf(app.process.pid!).includes(other!))
  assert.equal((await fetch(`${url}/`)).status, 200)
  assert.equal(await app.end('SIGTERM'), 0)
})

for (const processes of ['1', '2']) {
  test(`asked to stop, ${processes} of them finish what was begun`, { timeout: 60_000 }, async () => {
    await using app = new RunningApp({ WEB_CONCURRENCY: processes, HANDCAR_DATA: data })
    const url = await app.url()
    const idle = await leaveIdleConnection(url)
    const begun = await Promise.all(
      [1, 2].map((number) => beginSignUp(url, `stopper_${processes}_${number}`)),
    )
    const closed = once(idle, 'close')
    const exit = app.end('SIGTERM')
    await closed
    await until(() => refuses(url), 'no new connections')
    assert.deepEqual(await Promise.all(begun.map((finish) => finish())), [303, 303])
    assert.equal(await exit, 0)
  })
}

test('when the supervisor is killed its processes end too', { timeout: 60_000 }, async () => {
  await using app = new RunningApp({ WEB_CONCURRENCY: '2', HANDCAR_DATA: data })
  await app.url()
  const children = childrenOf(app.process.pid!)
  assert.equal(children.length, 2)
  await app.end('SIGKILL')
  await until(() => !children.some(isAlive), 'all ended')
})

test('a port that is taken is said plainly', { timeout: 60_000 }, async () => {
  await using first = new RunningApp({ WEB_CONCURRENCY: '1', HANDCAR_DATA: data })
  const { port } = new URL(await first.url())
  await using second = new RunningApp({ PORT: port })
  await assert.rejects(second.url(), /It ended with 1/)
  assert.match(second.output, new RegExp(`${port}.*HANDCAR_PORT_IN_USE`, 's'))
})

test(
  'a setting that makes no sense is said plainly, of handcar or of the app',
  { timeout: 60_000 },
  async () => {
    for (const [name, value] of [
      ['PORT', 'x'],
      ['LOREM_NEWS_DURABILITY', 'none'],
    ] as const) {
      await using app = new RunningApp({ [name]: value })
      await assert.rejects(app.url(), /It ended with 1/)
      assert.match(app.output, new RegExp(name))
    }
  },
)
