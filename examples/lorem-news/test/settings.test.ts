import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { sessionSecret } from '../src/session-secret.ts'
import { readSettings } from '../src/settings.ts'

const data = mkdtempSync(join(tmpdir(), 'lorem-news-'))
after(() => rmSync(data, { recursive: true }))

test('without settings the app is closed to the benchmark', () => {
  assert.deepEqual(readSettings({}), {
    origin: undefined,
    sessionSecret: undefined,
    databaseMode: 'handcar',
    durability: 'disk',
    benchmarking: false,
  })
})

test('a setting that makes no sense is refused by name', () => {
  const wrong = [
    { ORIGIN: 'news.example' },
    { ORIGIN: 'file:///tmp' },
    { LOREM_NEWS_DATABASE_MODE: 'fast' },
    { LOREM_NEWS_DURABILITY: 'none' },
    { SESSION_SECRET: 'short' },
  ]
  for (const environment of wrong) {
    const [name] = Object.keys(environment)
    assert.throws(() => readSettings(environment), new RegExp(`^Error: ${name} `))
  }
})

test('the session secret is made once, for the eyes of the owner', () => {
  const secret = sessionSecret(readSettings({}), join(data, 'new'))
  assert.equal(Buffer.from(secret, 'base64url').length, 32)
  assert.equal(sessionSecret(readSettings({}), join(data, 'new')), secret)
  const path = join(data, 'new', 'session-secret')
  assert.equal(readFileSync(path, 'utf8'), secret)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a session secret from the environment leaves no file', () => {
  const secret = 'chosen by whoever runs the app, 32+'
  assert.equal(sessionSecret(readSettings({ SESSION_SECRET: secret }), join(data, 'other')), secret)
  assert.equal(statSync(join(data, 'other'), { throwIfNoEntry: false }), undefined)
})
