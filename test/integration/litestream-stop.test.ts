import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { backupTargets } from '../helpers/backup-targets.ts'
import { litestreams, replicatedApp } from '../helpers/litestream.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'

/** Far below what each thing that is waited for would take. */
const soon = 10_000

test('a stop does not wait for a bucket that is asked whose it is', { timeout: 60_000 }, async () => {
  using target = temporaryFolder()
  let isAsked = false
  await using app = await replicatedApp(
    {
      binary: fakeLitestream(target.file('litestream'), 'exec sleep 60'),
      replicas: [{ type: 'folder', path: target.file('replica') }],
    },
    {},
    {
      claims: async (signal) => {
        isAsked = true
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    },
  )
  await app.litestream.start()
  await waitUntil('it is asked', () => isAsked)
  const startedAt = performance.now()
  await app.litestream.stop()
  assert.ok(performance.now() - startedAt < soon)
  assert.equal(app.litestream.hasSentAll, false)
})

test('a stop does not wait for a program that does not answer', { timeout: 60_000 }, async () => {
  using target = temporaryFolder()
  const binary = target.file('litestream')
  writeFileSync(binary, `#!/bin/sh\ntouch ${target.file('asked')}\nexec sleep 60\n`, { mode: 0o755 })
  await using app = await replicatedApp({
    binary,
    replicas: [{ type: 'folder', path: target.file('replica') }],
  })
  await app.litestream.start()
  const startedAt = performance.now()
  await app.litestream.stop()
  assert.ok(performance.now() - startedAt < soon)
  // It can be started again.
  fakeLitestream(binary, 'exit 3')
  await app.litestream.start()
  await waitUntil('it runs', () => /exit code 3/.test(app.litestream.status().problem?.message ?? ''))
})

test('what it says of a checkpoint that its end breaks off is no error', { timeout: 60_000 }, async () => {
  using target = temporaryFolder()
  const said = '{"level":"ERROR","msg":"failed to run","error":"release read lock: context canceled"}'
  const program = `trap "echo '${said.replaceAll('"', '\\"')}' >&2; exit 1" TERM; touch ${target.file('runs')}; while :; do sleep 0.1; done`
  await using app = await replicatedApp({
    binary: fakeLitestream(target.file('litestream'), program),
    replicas: [{ type: 'folder', path: target.file('replica') }],
  })
  await app.litestream.start()
  await waitUntil('it runs', () => existsSync(target.file('runs')))
  await app.litestream.stop()
  const line = app.logger.lines.find(({ message }) => message === 'Litestream: failed to run')
  assert.equal(line?.level, 'info')
})

for (const line of ['0.3', '0.5'] as const) {
  const { path: binary, isMissing } = litestreams[line]

  test(
    `after a stop it is known whether everything was sent (${line})`,
    { skip: isMissing || backupTargets.s3.isMissing, timeout: 120_000 },
    async () => {
      await using target = await backupTargets.s3.start()
      await using app = await replicatedApp({ binary, replicas: [target.replica] }, target.environment)
      await app.litestream.start()
      await app.write(5)
      const lag = () => app.litestream.status().databases[0]!.replicas[0]!.lag
      await waitUntil('everything is replicated', () => lag() === 0, 30_000)
      await app.write(5)
      await app.litestream.stop()
      assert.equal(app.litestream.hasSentAll, true)
      await app.litestream.start()
      await app.write(5)
      await waitUntil('everything is replicated', () => lag() === 0, 30_000)
      target.freeze()
      await app.write(5)
      await app.litestream.stop({ timeout: 1_000 })
      assert.equal(app.litestream.hasSentAll, false)
    },
  )
}

test(
  'while a bucket answers nothing its Litestream is ended less and less often',
  { skip: litestreams['0.5'].isMissing || backupTargets.s3.isMissing, timeout: 180_000 },
  async () => {
    await using target = await backupTargets.s3.start()
    await using app = await replicatedApp(
      { binary: litestreams['0.5'].path, replicas: [target.replica], lagAlarm: '2s' },
      target.environment,
    )
    await app.litestream.start()
    await app.write(5)
    const lag = () => app.litestream.status().databases[0]!.replicas[0]!.lag
    await waitUntil('everything is replicated', () => lag() === 0, 30_000)
    target.freeze()
    await app.write(5)
    const ends = () =>
      app.logger.lines.flatMap(({ message }) => {
        const seconds = /has made no progress for (\d+) s/.exec(message)?.[1]
        return seconds === undefined ? [] : [Number(seconds)]
      })
    await waitUntil('it was ended twice', () => ends().length >= 2, 120_000)
    const [first, second] = ends() as [number, number]
    assert.ok(first >= 8 && first < 16, `ended after ${first} s`)
    assert.ok(second >= 16, `and then after ${second} s`)
    target.thaw()
    await waitUntil('everything is replicated again', () => lag() === 0, 60_000)
    assert.equal(await app.restoredRows(), 10)
  },
)

/** A program that calls itself Litestream 0.5 and does what it is told. */
function fakeLitestream(path: string, does: string): string {
  writeFileSync(path, `#!/bin/sh\n[ "$1" = version ] && echo v0.5.16 && exit\n${does}\n`, { mode: 0o755 })
  return path
}
