import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { beforeEach, test } from 'node:test'
import { errorOf } from '../../test/helpers/errors.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { inheritedEnvironment } from './config.ts'
import { loadConfig } from './load-config.ts'

const names = ['NODE_ENV', 'PORT', 'HOST', 'HANDCAR_DATA', 'WEB_CONCURRENCY']

beforeEach(() => {
  for (const name of names) delete process.env[name]
})

function write(folder: TemporaryFolder, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(folder.file(name), content)
}

test('the file of the folder is loaded, as TypeScript too', async () => {
  using folder = temporaryFolder()
  write(folder, { 'handcar.config.ts': 'export default { server: { port: 4000 as number } }' })
  const config = await loadConfig(folder.path)
  assert.equal(config.server.port, 4000)
  assert.equal(config.file, folder.file('handcar.config.ts'))
  assert.equal(config.origins['server.port'], 'handcar.config.ts')
  assert.equal(process.env['NODE_ENV'], 'production')
})

test('a folder behind a symbolic link is meant by its real path', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('release'))
  write(folder, { 'release/handcar.config.mjs': 'export default {}' })
  symlinkSync('release', folder.file('current'))
  const config = await loadConfig(folder.file('current'))
  assert.equal(config.folder, folder.file('release'))
  assert.equal(config.data, folder.file('release/data'))
})

test('an app needs no configuration', async () => {
  using folder = temporaryFolder()
  write(folder, { 'app.js': 'export default {}' })
  assert.equal((await loadConfig(folder.path)).app, folder.file('app.js'))
})

test('.env comes first, and does not win over what is set; processes of other releases do not inherit it', async () => {
  using folder = temporaryFolder()
  process.env['HOST'] = '::1'
  write(folder, {
    '.env': 'PORT=4001\nHOST=127.0.0.2\nLOAD_CONFIG_TEST="from the file"\n',
    'handcar.config.js': 'export default { data: process.env.LOAD_CONFIG_TEST }',
  })
  const config = await loadConfig(folder.path, { overrides: { WEB_CONCURRENCY: '9' } })
  assert.equal(config.server.port, 4001)
  assert.equal(config.server.host, '::1')
  assert.equal(config.data, folder.file('from the file'))
  assert.equal(config.processes.web, 9)
  const inherited = inheritedEnvironment()
  assert.equal(inherited['HOST'], '::1')
  assert.equal(inherited['PORT'], undefined)
  assert.equal(inherited['LOAD_CONFIG_TEST'], undefined)
  assert.equal(inherited['NODE_ENV'], undefined)
  assert.equal(inherited['PATH'], process.env['PATH'])
})

test('what is missing or wrong is said with the path', async () => {
  using folder = temporaryFolder()
  const missing = await errorOf(() => loadConfig(folder.path))
  assert.equal(missing.code, 'HANDCAR_CONFIG_MISSING')
  assert.ok(missing.message.includes(folder.path))
  assert.equal((await errorOf(() => loadConfig(folder.file('nowhere')))).code, 'HANDCAR_CONFIG_MISSING')
  const cases: Record<string, RegExp> = {
    'throw new Error("no luck")': /handcar\.config\.js failed: Error: no luck/,
    'export default {': /SyntaxError/,
    'import "nothing-of-this-name"': /Cannot find package/,
    'export const config = {}': /has no default export/,
  }
  for (const [content, message] of Object.entries(cases)) {
    using broken = temporaryFolder()
    write(broken, { 'handcar.config.js': content, 'package.json': '{"type":"module"}' })
    const error = await errorOf(() => loadConfig(broken.path))
    assert.equal(error.code, 'HANDCAR_CONFIG_FAILED')
    assert.match(error.message, message)
    assert.ok(error.fix)
  }
  mkdirSync(folder.file('.env'))
  write(folder, { 'app.js': '' })
  const unreadable = await errorOf(() => loadConfig(folder.path))
  assert.equal(unreadable.code, 'HANDCAR_CONFIG_FAILED')
  assert.match(unreadable.message, /\.env cannot be read/)
})
