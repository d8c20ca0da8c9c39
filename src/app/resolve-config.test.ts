import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { resolveConfig } from './resolve-config.ts'

const environment = {}

test('without a configuration everything has a value, and says that it is a default', () => {
  using folder = temporaryFolder()
  const config = resolveConfig({}, { folder: folder.path, environment })
  assert.equal(config.environment, 'production')
  assert.equal(config.app, undefined)
  assert.equal(config.data, folder.file('data'))
  assert.deepEqual(config.database, { path: folder.file('data/app.sqlite3'), production: true })
  assert.deepEqual(config.server, {
    host: '127.0.0.1',
    port: 3000,
    socket: undefined,
    staticFiles: [],
    compression: true,
    bodyLimit: 16 * 1024 * 1024,
    requestTimeout: 60_000,
    headersTimeout: 20_000,
    keepAliveTimeout: 65_000,
    trustedProxies: ['loopback'],
    accessLog: true,
    healthPath: '/up',
    statusToken: undefined,
  })
  assert.equal(config.processes.bootTimeout, 30_000)
  assert.ok(config.processes.web >= 1)
  assert.deepEqual(new Set(Object.values(config.origins)), new Set(['default']))
  assert.equal(config.origins['server.port'], 'default')
})

test('the environment wins over the file, the file over the default', () => {
  using folder = temporaryFolder()
  const config = resolveConfig(
    { server: { port: 1, host: '::1' }, processes: { web: 3, stopTimeout: '2s', maxRss: '256mb' } },
    {
      folder: folder.path,
      file: folder.file('handcar.config.ts'),
      environment: { PORT: '2', HOST: '', WEB_CONCURRENCY: '5', HANDCAR_DATA: '../elsewhere' },
    },
  )
  assert.equal(config.server.port, 2)
  assert.equal(config.origins['server.port'], 'environment PORT')
  assert.equal(config.server.host, '::1')
  assert.equal(config.origins['server.host'], 'handcar.config.ts')
  assert.equal(config.origins['server.bodyLimit'], 'default')
  assert.equal(config.processes.web, 5)
  assert.equal(config.processes.stopTimeout, 2_000)
  assert.equal(config.processes.maxRss, 256 * 1024 * 1024)
  assert.equal(config.data, `${folder.path.replace(/\/[^/]+$/, '')}/elsewhere`)
})

test('paths count from the folder, and what exists there is found', () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('db/migrations'), { recursive: true })
  writeFileSync(folder.file('app.js'), '')
  mkdirSync(folder.file('src'))
  writeFileSync(folder.file('src/app.js'), '')
  const found = resolveConfig({}, { folder: folder.path, environment })
  assert.equal(found.app, folder.file('src/app.js'))
  assert.equal(found.database.migrations, folder.file('db/migrations'))
  const named = resolveConfig(
    {
      app: 'main.ts',
      prepare: 'seeds.ts',
      data: '/srv/data',
      server: { socket: 'run/app.socket', staticFiles: [{ folder: 'public' }] },
      database: { file: 'other.sqlite3', migrations: 'sql', durability: 'os' },
      programs: [{ name: 'replica', command: 'litestream' }],
    },
    { folder: folder.path, environment },
  )
  assert.equal(named.app, folder.file('main.ts'))
  assert.equal(named.prepare, folder.file('seeds.ts'))
  assert.equal(named.server.socket, folder.file('run/app.socket'))
  assert.equal(named.server.staticFiles[0]?.folder, folder.file('public'))
  assert.deepEqual(named.database, {
    path: '/srv/data/other.sqlite3',
    migrations: folder.file('sql'),
    durability: 'os',
    production: true,
  })
  assert.equal(named.programs[0]?.cwd, folder.path)
})

test('what it runs as decides about some defaults', () => {
  const options = { environment, folder: '/srv/app' } as const
  const development = resolveConfig({}, { ...options, defaultEnvironment: 'development' })
  assert.equal(development.environment, 'development')
  assert.equal(development.processes.web, 1)
  assert.equal(development.log.format, 'pretty')
  assert.equal(development.database.production, false)
  const said = resolveConfig({ environment: 'test' }, { ...options, defaultEnvironment: 'development' })
  assert.equal(said.environment, 'test')
  const insisted = resolveConfig(
    { environment: 'test' },
    { ...options, environment: { NODE_ENV: 'production' } },
  )
  assert.equal(insisted.environment, 'production')
})

test('wrong values are refused by their names', async () => {
  const resolve = (config: object, variables = {}) =>
    errorOf(() =>
      resolveConfig(config, {
        folder: '/srv/app',
        file: '/srv/app/handcar.config.ts',
        environment: variables,
      }),
    )
  const unknown = await resolve({ sever: {} })
  assert.equal(unknown.code, 'HANDCAR_OPTION_UNKNOWN')
  assert.equal(unknown.message, 'handcar.config.ts has no option "sever"')
  assert.equal(unknown.fix, 'Did you mean "server"?')
  const nested = await resolve({ server: { prot: 1 } })
  assert.match(nested.message, /handcar\.config\.ts option "server" has no option "prot"/)
  assert.match((await resolve({ database: { durabilty: 'os' } })).message, /no option "durabilty"/)
  assert.match((await resolve({ database: { durability: 'none' } })).message, /durability/)
  assert.match(
    (await resolve({}, { PORT: 'http' })).message,
    /^Environment variable PORT: expected a whole number/,
  )
  assert.match((await resolve({}, { WEB_CONCURRENCY: '0' })).message, /^Environment variable WEB_CONCURRENCY/)
  assert.match((await resolve({}, { LOG_LEVEL: 'loud' })).message, /^Environment variable LOG_LEVEL/)
})

const wrong: Record<string, unknown> = {
  'a text for a group': { server: 'x' },
  'a list': [],
  'a function': () => ({}),
  'no port': { server: { port: 70_000 } },
  'no size': { server: { bodyLimit: '5 apples' } },
  'no processes': { processes: { web: 0 } },
  'too few jobs': { processes: { jobs: -1 } },
  'an empty path': { data: '' },
  'no list': { programs: {} },
  'a program without a command': { programs: [{ name: 'x' }] },
  'arguments that are no texts': { programs: [{ name: 'x', command: 'y', args: [1] }] },
  'static files without a folder': { server: { staticFiles: [{}] } },
  'a pattern as a text': { server: { staticFiles: [{ folder: 'x', immutable: 'x' }] } },
  'an unknown environment': { environment: 'staging' },
  null: null,
}

for (const [name, config] of Object.entries(wrong)) {
  test(`refused: ${name}`, async () => {
    assert.equal(
      await codeOf(() => resolveConfig(config as object, { environment })),
      'HANDCAR_OPTION_INVALID',
    )
  })
}

test('the cache has a file of its own, and keys of the environment are called so', async () => {
  const same = await errorOf(() => resolveConfig({ cache: { file: 'app.sqlite3' } }, { environment }))
  assert.equal(
    same.message,
    'Handcar option "cache" option "file": expected another file than that of the database, got "app.sqlite3"',
  )
  const keys = await errorOf(() => resolveConfig({}, { environment: { HANDCAR_CACHE_KEYS: 'short' } }))
  assert.match(keys.message, /^Environment variable HANDCAR_CACHE_KEYS option .* expected 32 bytes/)
})

test('the path of realtime is not that of the health check', async () => {
  using folder = temporaryFolder()
  const resolve = (config: object) => resolveConfig(config, { folder: folder.path, environment: {} })
  const error = await errorOf(() => resolve({ realtime: { path: '/up' } }))
  assert.equal(error.code, 'HANDCAR_OPTION_INVALID')
  assert.match(
    error.message,
    /option "realtime.path".*another path than .*server.healthPath \("\/up"\), got "\/up"/,
  )
  for (const healthPath of ['/live', '/live/client.js'])
    assert.throws(() => resolve({ realtime: { path: '/live' }, server: { healthPath } }))
  const server = { healthPath: '/realtime' }
  assert.equal(resolve({ server }).server.healthPath, '/realtime', 'nothing else is there without channels')
  writeFileSync(folder.file('channels.js'), '')
  assert.throws(() => resolve({ server, realtime: { channels: 'channels.js' } }), /"\/realtime"/)
})
