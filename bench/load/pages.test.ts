import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { runOwnClient, wrkIsMissing } from './pages.ts'
import { parseWrk, runWrk } from './wrk.ts'

test('what is wrong and what broke has failed', () => {
  const { right, failed, p99 } = parseWrk(
    'Running 1s test\nREPORT {"seconds":1.0,"right":7,"wrong":2,"broken":1,"p50":0.5,"p99":1.5,"max":2,"cpuSeconds":0.1}\n',
  )
  assert.deepEqual([right, failed, p99], [7, 3, 1.5])
})

test('no report and no answer are errors', () => {
  assert.throws(() => parseWrk('unable to connect'), /no report: unable to connect/)
  assert.throws(
    () =>
      parseWrk(
        'REPORT {"seconds":1,"right":0,"wrong":0,"broken":0,"p50":0,"p99":0,"max":0,"cpuSeconds":0}\n',
      ),
    /no answer/,
  )
})

for (const [client, run] of [
  ['wrk', runWrk],
  ['our own client', runOwnClient],
] as const) {
  const skip = client === 'wrk' && wrkIsMissing()
  test(`${client} checks every answer, on kept connections or on new ones`, { skip }, async () => {
    const served: Record<string, number> = {}
    const connections = new Set<unknown>()
    const server = createServer(({ url, socket }, response) => {
      served[url!] = (served[url!] ?? 0) + 1
      connections.add(socket)
      if (url === '/missing') response.statusCode = 404
      response.end(url === '/cut' ? '<p>cut off' : '<html></html>')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const load = { origin: `http://127.0.0.1:${port}`, marker: '</html>', connections: 3, seconds: 1 }
    const { right, failed, cpuSeconds } = await run({ ...load, paths: ['/', '/missing', '/cut'] })
    assert.equal(connections.size, 3)
    assert.ok(Math.abs(right - served['/']!) <= 3 && right > 0)
    assert.ok(Math.abs(failed - served['/missing']! - served['/cut']!) <= 3 && failed > 0)
    assert.ok(cpuSeconds > 0)
    const fresh = await run({ ...load, paths: ['/'], newConnections: true })
    assert.ok(connections.size > fresh.right && fresh.right > 0)
    assert.equal(fresh.failed, 0)
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
}
