import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../../test/helpers/http.ts'
import type { HealthCheck, HealthResult } from './index.ts'

const hello = () => new Response('hello')
const check = (name: string, check: HealthCheck['check']): HealthCheck => ({ name, check })
const ok: HealthResult = { status: 'ok' }

test('/up answers for the process, and nothing else', async () => {
  await using served = await startServer(hello)
  const response = await fetch(`${served.url}/up?x`)
  assert.deepEqual([response.status, await response.text()], [200, 'ok\n'])
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.equal((await fetch(`${served.url}/up`, { method: 'HEAD' })).status, 200)
  assert.equal((await fetch(`${served.url}/up`, { method: 'POST' })).status, 405)
  assert.equal(await (await fetch(`${served.url}/upper`)).text(), 'hello')
  const levels = new Set(
    served.logger.lines.filter(({ fields }) => fields.path === '/up').map(({ level }) => level),
  )
  assert.deepEqual([...levels], ['debug'])
})

test('a check that fails, throws or says nothing takes the process out of service; a warning does not', async () => {
  const results: [HealthCheck['check'], number][] = [
    [() => ok, 200],
    [async () => ({ status: 'warning', message: 'soon' }), 200],
    [() => ({ status: 'failing' }), 503],
    [() => Promise.reject(new Error('gone')), 503],
    [() => undefined as never, 503],
  ]
  for (const [perform, status] of results) {
    await using served = await startServer(hello, {
      checks: [check('fine', () => ok), check('tested', perform)],
    })
    const response = await fetch(`${served.url}/up`)
    assert.deepEqual(
      [response.status, await response.text()],
      [status, status === 200 ? 'ok\n' : 'failing\n'],
    )
  }
})

test('details are for who knows the token', async () => {
  const checks = [
    check('disk', () => ({ status: 'warning', message: 'soon full', details: { freeBytes: 5 } })),
  ]
  await using served = await startServer(hello, {
    checks,
    statusToken: 'secret',
    details: async () => ({ processes: 2 }),
    healthPath: '/health',
  })
  const ask = async (authorization: string) => {
    const response = await fetch(`${served.url}/health`, { headers: { authorization } })
    return [response.status, await response.text()] as const
  }
  const [status, text] = await ask('Bearer secret')
  assert.equal(status, 200)
  assert.deepEqual(JSON.parse(text), {
    processes: 2,
    status: 'warning',
    checks: { disk: await checks[0]!.check() },
  })
  assert.deepEqual(await ask('Bearer wrong'), [401, 'Wrong token\n'])
  assert.deepEqual(await ask('Basic c2VjcmV0'), [200, 'ok\n'])
  assert.equal(await (await fetch(`${served.url}/up`)).text(), 'hello')
})

test('without a token nobody gets details, and details that fail are left out', async () => {
  await using closed = await startServer(hello, { details: async () => ({ secret: 1 }) })
  const headers = { authorization: 'Bearer undefined' }
  assert.equal(await (await fetch(`${closed.url}/up`, { headers })).text(), 'ok\n')
  await using broken = await startServer(hello, {
    statusToken: 'undefined',
    details: () => Promise.reject(new Error('no supervisor')),
  })
  assert.deepEqual(await (await fetch(`${broken.url}/up`, { headers })).json(), { status: 'ok', checks: {} })
  assert.ok(broken.logger.lines.some(({ level }) => level === 'warn'))
})

test('details that cannot be JSON are an error of their own, and the process goes on', async () => {
  const checks = [check('big', () => ({ status: 'ok', details: { size: 5n } }))]
  await using served = await startServer(hello, { checks, statusToken: 'secret' })
  const response = await fetch(`${served.url}/up`, { headers: { authorization: 'Bearer secret' } })
  assert.equal(response.status, 500)
  await response.text()
  assert.equal(await (await fetch(served.url)).text(), 'hello')
})

test('checks run once, however many ask; one that hangs is failing after two seconds and is not started again', async () => {
  let [quick, hanging] = [0, 0]
  const checks = [
    check('quick', () => (quick++, ok)),
    check('hanging', () => (hanging++, new Promise<HealthResult>(() => {}))),
  ]
  await using served = await startServer(hello, { checks, statusToken: 'secret' })
  const headers = { authorization: 'Bearer secret' }
  const ask = async () =>
    (await (await fetch(`${served.url}/up`, { headers })).json()) as { checks: Record<string, HealthResult> }
  const reports = await Promise.all([ask(), ask(), ask()])
  assert.deepEqual([quick, hanging], [1, 1])
  for (const { checks } of reports) {
    assert.deepEqual([checks.quick, checks.hanging!.status], [ok, 'failing'])
    assert.match(checks.hanging!.message!, /2000 ms/)
  }
  await ask()
  assert.deepEqual([quick, hanging], [2, 1])
})
