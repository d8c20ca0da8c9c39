import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { holderOfPort } from './port-holder.ts'

test(
  'the process that listens on a port is found',
  { skip: process.platform !== 'linux' && 'Linux only' },
  async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const holder = await holderOfPort(port)
    server.close()
    await once(server, 'close')
    assert.equal(holder?.pid, process.pid)
    assert.match(holder.command, /node/)
    assert.equal(await holderOfPort(port), undefined)
  },
)
