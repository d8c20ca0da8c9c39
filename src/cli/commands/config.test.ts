import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appFolder } from '../../../test/helpers/app-folder.ts'
import { handcar } from '../../../test/helpers/command-line.ts'

const config = `
import { defineConfig } from 'handcar'
export default defineConfig({
  data: 'kept',
  server: { port: 4000, statusToken: 'a-secret', staticFiles: [{ folder: 'public', immutable: /x/ }] },
  database: { writeTimeout: '2s', readers: false },
})`

test('config --json prints every value with its origin, and no secret', async () => {
  using folder = appFolder({ 'handcar.config.ts': config, '.env': 'HOST=0.0.0.0\nPORT=1' })
  const { code, output } = await handcar(['config', '--json'], {
    folder: folder.path,
    environment: { PORT: '5000' },
  })
  assert.equal(code, 0)
  assert.doesNotMatch(output, /a-secret/)
  const values = JSON.parse(output) as Record<string, { value: unknown; origin: string }>
  assert.deepEqual(values['data'], { value: folder.file('kept'), origin: 'handcar.config.ts' })
  assert.deepEqual(values['server.port'], { value: 5_000, origin: 'environment PORT' })
  assert.deepEqual(values['server.host'], { value: '0.0.0.0', origin: 'environment HOST' })
  assert.deepEqual(values['server.statusToken'], { value: '(set)', origin: 'handcar.config.ts' })
  assert.deepEqual(values['server.compression'], { value: true, origin: 'default' })
  assert.deepEqual(values['server.socket'], { value: null, origin: 'default' })
  assert.deepEqual(values['database.file'], { value: folder.file('kept/app.sqlite3'), origin: 'default' })
  assert.deepEqual(values['database.writeTimeout'], { value: 2_000, origin: 'handcar.config.ts' })
  assert.deepEqual(values['database.readers'], { value: false, origin: 'handcar.config.ts' })
  assert.deepEqual(values['database.batchSize'], { value: 512, origin: 'default' })
})

/** A key of 32 bytes. */
const key = 'c0ffee00'.repeat(8)

test('config prints a table for people, and no secret', async () => {
  using folder = appFolder({ 'handcar.config.ts': config })
  const { output } = await handcar(['config'], {
    folder: folder.path,
    environment: { HANDCAR_STATUS_TOKEN: 'another-secret', HANDCAR_CACHE_KEYS: `${key}, ${key}` },
  })
  assert.doesNotMatch(output, /secret|c0ffee|\[\d*m/)
  assert.match(output, /^cache\.encryption +environment HANDCAR_CACHE_KEYS +\(set\)$/m)
  assert.match(output, /^cache\.maxBytes +default +256 MB$/m)
  assert.match(output, /^setting +origin +value$/m)
  assert.match(output, /^server\.statusToken +environment HANDCAR_STATUS_TOKEN +\(set\)$/m)
  assert.match(output, /^server\.port +handcar\.config\.ts +4000$/m)
  assert.match(output, /^server\.bodyLimit +default +16 MB$/m)
  assert.match(output, /^database\.writeTimeout +handcar\.config\.ts +2 s$/m)
  assert.match(output, /^processes\.maxRss +default +not set$/m)
})
