import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readConfiguration } from '../src/configuration.ts'
import { sessionSecret } from '../src/session-secret.ts'

const data = mkdtempSync(join(tmpdir(), 'lorem-news-'))
after(() => rmSync(data, { recursive: true }))

test('without settings the app is closed to the network and to the benchmark', () => {
  assert.deepEqual(readConfiguration({}), {
    host: '127.0.0.1',
    port: 3000,
    origin: undefined,
    processes: availableParallelism(),
    data: 'data',
    sessionSecret: undefined,
    databaseMode: 'handcar',
    durability: 'disk',
    benchmarking: false,
  })
})

test('a setting that makes no sense is refused by name', () => {
  const wrong = [
    { PORT: 'http' },
    { PORT: '70000' },
    { PORT: '1.5' },
    { WEB_CONCURRENCY: '0' },
    { ORIGIN: 'news.example' },
    { ORIGIN: 'file:///tmp' },
    { LOREM_NEWS_DATABASE_MODE: 'fast' },
    { LOREM_NEWS_DURABILITY: 'none' },
    { SESSION_SECRET: 'short' },
  ]
  for (const environment of wrong) {
    const [name] = Object.keys(environment)
    assert.throws(() => readConfiguration(environment), new RegExp(`^Error: ${name} `))
  }
})

test('the session secret is made once, for the eyes of the owner', () => {
  const configuration = readConfiguration({ HANDCAR_DATA: join(data, 'new') })
  const secret = sessionSecret(configuration)
  assert.equal(Buffer.from(secret, 'base64url').length, 32)
  assert.equal(sessionSecret(configuration), secret)
  const path = join(data, 'new', 'session-secret')
  assert.equal(readFileSync(path, 'utf8'), secret)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a session secret from the environment leaves no file', () => {
  const secret = 'chosen by whoever runs the app, 32+'
  const configuration = readConfiguration({ HANDCAR_DATA: join(data, 'other'), SESSION_SECRET: secret })
  assert.equal(sessionSecret(configuration), secret)
  assert.equal(statSync(join(data, 'other'), { throwIfNoEntry: false }), undefined)
})
