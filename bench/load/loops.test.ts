import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Pool } from 'undici'
import { Latencies } from '../harness/latencies.ts'
import { closedLoop, openLoop } from './loops.ts'
import type { LoadPlan, RequestPlan } from './plan.ts'

const page: RequestPlan = { method: 'GET', path: '/page', statuses: [200], marker: '</html>' }

test('a closed loop counts right answers, and names wrong ones', async (t) => {
  let requests = 0
  const { origin, pool } = await serve(t, (_request, response) => {
    requests++
    if (requests % 3 === 1) return response.writeHead(500).end('broken')
    return response.end(requests % 3 === 2 ? '<p>cut off' : '<html></html>')
  })
  const result = await closedLoop(pool, plan(origin, 0.2), { name: 'all', request: page, clients: 3 })
  assert.equal(result.count, requests)
  assert.equal(result.right + result.failed, requests)
  assert.ok(
    result.outcomes['200']! > 0 && result.outcomes['500']! > 0 && result.outcomes['200 wrong body']! > 0,
  )
  assert.equal(Latencies.merge(Object.values(result.latenciesByOutcome)).count, requests)
})

test('a redirect is followed, what it created is kept, and a page that is gone is told apart', async (t) => {
  let created = 0
  const { origin, pool } = await serve(t, (request, response) => {
    if (request.method === 'POST') return response.writeHead(303, { location: `/posts/${++created}` }).end()
    return request.url!.endsWith('7') ? response.writeHead(404).end('') : response.end('</html>')
  })
  const create: RequestPlan = {
    method: 'POST',
    path: '/posts',
    statuses: [303],
    marker: '</html>',
    follow: true,
    mayBeGone: true,
    acknowledgedBy: 'location',
  }
  const result = await closedLoop(pool, plan(origin, 0.2), { name: 'create', request: create, clients: 1 })
  assert.equal(result.failed, 0)
  assert.equal(result.gone, result.outcomes['303>404'])
  assert.equal(result.right, result.outcomes['303>200'])
  assert.deepEqual(result.acknowledged.slice(0, 2), ['/posts/1', '/posts/2'])
  assert.equal(result.acknowledged.length, result.count)
})

test('an open loop charges a stall to every request that was due meanwhile', async (t) => {
  let stalled = false
  const { origin, pool } = await serve(t, (_request, response) => {
    if (!stalled) {
      stalled = true
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150)
    }
    response.end('</html>')
  })
  const result = await openLoop(pool, plan(origin, 0.3), { name: 'reads', request: page, rate: 100 })
  assert.equal(result.count, 30)
  assert.equal(result.failed, 0)
  assert.ok(Latencies.merge([result.latencies]).percentile(75) > 50, 'a quarter of the requests waited')
})

test('a server that is not there is a failed request, not an exception', async (t) => {
  const { origin, pool, close } = await serve(t, (_request, response) => response.end())
  await close()
  const result = await openLoop(pool, plan(origin, 0.05), { name: 'reads', request: page, rate: 100 })
  assert.equal(result.failed, 5)
  assert.deepEqual(result.outcomes, { ECONNREFUSED: 5 })
})

function plan(origin: string, seconds: number): LoadPlan {
  return { origin, seconds, streams: [] }
}

async function serve(
  t: TestContext,
  listener: RequestListener,
): Promise<{ origin: string; pool: Pool; close: () => Promise<void> }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const pool = new Pool(origin, { connections: 32 })
  const close = async (): Promise<void> => {
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  t.after(async () => {
    await pool.destroy()
    await close()
  })
  return { origin, pool, close }
}
