import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../test/helpers/errors.ts'
import { parseTrustedProxies, plainAddress, TrustedProxies } from './trusted-proxies.ts'

test('addresses, ranges and names are known', () => {
  const proxies = new TrustedProxies(['loopback', 'private', '203.0.113.0/24', '2001:db8::/32'])
  const trusted = [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '10.1.2.3',
    '192.168.0.1',
    'fd00::1',
    '203.0.113.200',
    '2001:db8::7',
  ]
  for (const address of trusted) assert.equal(proxies.includes(address), true, address)
  for (const address of ['8.8.8.8', '203.0.114.1', '2001:db9::1', '', 'localhost', '127.0.0.1:80'])
    assert.equal(proxies.includes(address), false, address)
  assert.equal(new TrustedProxies([]).includes('127.0.0.1'), false)
})

test('the client is the first from the right that is no proxy; what it wrote itself proves nothing', () => {
  const proxies = new TrustedProxies(['loopback', 'private'])
  const clients: [string, string][] = [
    ['203.0.113.7', '203.0.113.7'],
    ['1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['1.1.1.1, 203.0.113.7, 10.0.0.1', '203.0.113.7'],
    ['10.0.0.2,10.0.0.1', '10.0.0.2'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['[2001:db8::7]:51234', '2001:db8::7'],
    ['2001:db8::7', '2001:db8::7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['unknown, 10.0.0.1', '10.0.0.1'],
    ['nonsense', '127.0.0.1'],
    ['', '127.0.0.1'],
    [',,', '127.0.0.1'],
  ]
  for (const [header, client] of clients) assert.equal(proxies.clientOf('127.0.0.1', header), client, header)
})

test('an IPv4 address that came through an IPv6 socket is IPv4', () => {
  assert.deepEqual(['::ffff:10.0.0.1', '::1', '10.0.0.1'].map(plainAddress), ['10.0.0.1', '::1', '10.0.0.1'])
})

test('anything else is refused', async () => {
  assert.equal(parseTrustedProxies(undefined, 'x').includes('::1'), true)
  for (const entry of [
    '',
    'localhost',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '::/129',
    '1.2.3',
    '10.0.0.0/8/8',
    null,
    5,
  ])
    assert.equal(
      await codeOf(() => parseTrustedProxies([entry], 'x')),
      'HANDCAR_OPTION_INVALID',
      String(entry),
    )
})
