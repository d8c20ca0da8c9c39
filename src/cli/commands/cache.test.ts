import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { handcar, RunningCommand } from '../../../test/helpers/command-line.ts'
import { recordingLogger } from '../../../test/helpers/recording-logger.ts'
import { Handcar, loadConfig } from '../../app/index.ts'

const files = { 'handcar.config.js': "export default { log: { level: 'warn' }, cache: { maxBytes: '2mb' } }" }

/** Runs a command that has to end with a code; gives what it prints. */
async function cache(folder: AppFolder, words: string[], expected = 0): Promise<string> {
  const { code, output, errors } = await handcar(['cache', ...words], { folder: folder.path })
  assert.equal(code, expected, output + errors)
  return output || errors
}

/** An app as a process of its own would have it. */
async function running(folder: AppFolder): Promise<Handcar> {
  const config = await loadConfig(folder.path)
  const app = new Handcar(config, { migrate: true, logger: recordingLogger() })
  await app.start()
  return app
}

test('what is in the cache can be looked at and ended beside the app', async () => {
  using folder = appFolder(files)
  await using app = await running(folder)
  const { cache: own } = app
  const pages = own.namespace('pages').namespace('old')
  await own.setMany({ 'user:1': { name: 'Ann' }, 'user:2': { name: 'Bob' }, text: 'a text', none: undefined })
  await own.set('post', 1, { tags: ['posts'] })
  await own.set('bytes', Buffer.from('abc'))
  await pages.set('front', 'a page')

  assert.match(await cache(folder, ['stats']), /^7 entries, .* of 2 MB \(.* %\)/)
  const stats = JSON.parse(await cache(folder, ['stats', '--json'])) as Record<string, unknown>
  assert.deepEqual([stats['entries'], stats['maxBytes'], stats['processes']], [7, 2 * 1_024 ** 2, []])

  assert.equal(await cache(folder, ['get', 'user:1']), "{ name: 'Ann' }\n")
  assert.equal(await cache(folder, ['get', 'text']), 'a text\n')
  assert.equal(await cache(folder, ['get', 'bytes']), 'abc')
  assert.equal(
    await cache(folder, ['get', 'front', '--namespace', 'pages', '--namespace', 'old']),
    'a page\n',
  )
  assert.deepEqual(JSON.parse(await cache(folder, ['get', 'none', '--json'])), { found: true })
  assert.deepEqual(JSON.parse(await cache(folder, ['get', 'front', '--json'], 1)), { found: false })
  assert.match(await cache(folder, ['get', 'front'], 1), /There is no value of front/)

  const listed = (await cache(folder, ['keys', '--prefix', 'user:'])).trim().split('\n')
  assert.deepEqual(listed.toSorted(), ['user:1', 'user:2'])
  assert.equal((JSON.parse(await cache(folder, ['keys', '--limit', '1', '--json'])) as string[]).length, 1)

  assert.equal(await cache(folder, ['delete', 'user:1', 'user:2', 'user:3'], 1), '2 values deleted.\n')
  assert.equal(await own.get('user:1'), undefined)
  await cache(folder, ['invalidate', 'posts', 'others'])
  assert.deepEqual([await own.get('post'), await own.get('text')], [undefined, 'a text'])
  assert.equal((await cache(folder, ['keys', '--prefix', 'post'])).trim(), 'no keys')
  await cache(folder, ['clear', '--namespace', 'pages'])
  assert.deepEqual([await pages.get('front'), await own.get('text')], [undefined, 'a text'])
  await cache(folder, ['clear'])
  assert.equal(await own.get('text'), undefined)
})

test('without a cache it says so, and makes none', async () => {
  using folder = appFolder(files)
  assert.match(await cache(folder, ['stats'], 1), /There is no database .*app\.sqlite3 yet/)
  assert.ok(!existsSync(folder.file('data/cache.sqlite3')))
  assert.match(await cache(folder, ['delete'], 2), /keys/)
})

test('stats and status show what the processes read', async () => {
  using folder = appFolder({
    ...files,
    'src/app.js': `export default (handcar) => ({
      async fetch() {
        return new Response(await handcar.cache.getOrSet('page', () => 'made by ' + process.pid))
      },
    })`,
  })
  const environment = { PORT: '0', WEB_CONCURRENCY: '2', LOG_FORMAT: 'json', LOG_LEVEL: 'info' }
  await using app = new RunningCommand(['start'], { folder: folder.path, environment })
  const address = await app.address()
  const pages = new Set<string>()
  for (let count = 0; count < 10; count++) pages.add(await (await fetch(address)).text())
  assert.equal(pages.size, 1)
  for (;;) {
    const { processes } = JSON.parse(await cache(folder, ['stats', '--json'])) as {
      processes: { hits: number; misses: number; isOn: boolean }[]
    }
    if (processes.reduce((sum, { hits }) => sum + hits, 0) < 9) continue
    assert.ok(processes.every(({ isOn }) => isOn))
    break
  }
  assert.match(await cache(folder, ['stats']), /^web\.1 /m)
  const { output } = await handcar(['status'], { folder: folder.path })
  assert.match(output, /cache hits/)
})
