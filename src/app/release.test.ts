import assert from 'node:assert/strict'
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { loadConfig } from './load-config.ts'
import { releaseFunction, releaseOf } from './release.ts'

/** A release of an app that has a number of its own, with as many web processes. */
function makeRelease(folder: TemporaryFolder, number: number, more: Record<string, string> = {}): void {
  const path = `releases/${number}`
  mkdirSync(folder.file(`${path}/db/migrations`), { recursive: true })
  const files: Record<string, string> = {
    'app.mjs': 'export default { fetch: () => new Response() }',
    'package.json': JSON.stringify({ version: `${number}.0.0` }),
    'handcar.config.mjs': `export default { app: 'app.mjs', data: '../../data', environment: 'test', processes: { web: ${number} } }`,
    ...more,
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(folder.file(`${path}/${name}`), content)
}

function makeCurrent(folder: TemporaryFolder, number: number): void {
  symlinkSync(`releases/${number}`, folder.file('next'))
  renameSync(folder.file('next'), folder.file('current'))
}

async function start(folder: TemporaryFolder) {
  const logger = recordingLogger()
  const config = await loadConfig(folder.file('current'))
  const options = {
    folder: folder.file('current'),
    config,
    defaultEnvironment: 'production',
    logger,
  } as const
  return { logger, next: releaseFunction(options) }
}

test('each release is what lies in the folder by then', async () => {
  using folder = temporaryFolder()
  makeRelease(folder, 1)
  makeCurrent(folder, 1)
  const { next, logger } = await start(folder)
  const first = await next(() => {})
  assert.equal(first.folder, folder.file('releases/1'))
  assert.equal(first.version, '1.0.0')
  assert.deepEqual(
    first.processes.map(({ kind, count }) => ({ kind, count })),
    [{ kind: 'web', count: 1 }],
  )
  const [web] = first.processes
  assert.equal(web?.cwd, folder.file('releases/1'))
  assert.equal(web?.environment?.['HANDCAR_DATA'], folder.file('data'))
  assert.equal(web?.environment?.['NODE_ENV'], 'test')
  makeRelease(folder, 2, {
    'db/migrations/20260101000000_posts.sql': 'create table posts (id integer) strict',
  })
  makeCurrent(folder, 2)
  const progress: string[] = []
  const second = await next((message) => progress.push(message))
  assert.equal(second.folder, folder.file('releases/2'))
  assert.equal(second.version, '2.0.0')
  assert.equal(second.processes[0]?.count, 2)
  assert.deepEqual(progress, ['making a snapshot before 1 migration', 'running the migrations'])
  assert.deepEqual(logger.lines, [])
})

test('what cannot change without a restart stays, and is said', async () => {
  using folder = temporaryFolder()
  makeRelease(folder, 1)
  makeCurrent(folder, 1)
  const { next, logger } = await start(folder)
  await next(() => {})
  makeRelease(folder, 2, {
    'handcar.config.mjs': `export default { app: 'app.mjs', data: 'other', environment: 'test', server: { port: 4000 } }`,
  })
  makeCurrent(folder, 2)
  const second = await next(() => {})
  assert.equal(second.processes[0]?.environment?.['HANDCAR_DATA'], folder.file('data'))
  const warned = logger.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields['setting'])
  assert.deepEqual(warned, ['data', 'server.port'])
})

test('a release that cannot be prepared throws what was wrong with it; the next one may be right', async () => {
  using folder = temporaryFolder()
  makeRelease(folder, 1)
  makeCurrent(folder, 1)
  const { next } = await start(folder)
  await next(() => {})
  makeRelease(folder, 2, { 'db/migrations/20260101000000_posts.sql': 'nonsense' })
  makeRelease(folder, 3, { 'handcar.config.mjs': 'throw new Error("no luck")' })
  makeRelease(folder, 4, { 'handcar.config.mjs': 'process.exit(3)' })
  makeRelease(folder, 5)
  const codes: Record<number, string> = {
    2: 'HANDCAR_MIGRATION_FAILED',
    3: 'HANDCAR_CONFIG_FAILED',
    4: 'HANDCAR_PREPARE_FAILED',
  }
  for (const [number, code] of Object.entries(codes)) {
    makeCurrent(folder, Number(number))
    const error = await errorOf(() => next(() => {}))
    assert.equal(error.code, code)
    assert.ok(error.fix)
  }
  makeCurrent(folder, 5)
  assert.equal((await next(() => {})).version, '5.0.0')
})

test('processes for jobs are their own kind', () => {
  const { processes } = releaseOf({
    folder: '/srv/app',
    data: '/srv/data',
    environment: 'production',
    logFormat: 'json',
    web: { count: 1, file: '/web.js' },
    jobs: { count: 2, file: '/jobs.js' },
    fixed: {},
  })
  assert.deepEqual(
    processes.map(({ kind, count, file, acceptsConnections }) => ({ kind, count, file, acceptsConnections })),
    [
      { kind: 'web', count: 1, file: '/web.js', acceptsConnections: true },
      { kind: 'jobs', count: 2, file: '/jobs.js', acceptsConnections: false },
    ],
  )
})
