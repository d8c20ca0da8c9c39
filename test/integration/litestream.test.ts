import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backupTargets } from '../helpers/backup-targets.ts'
import { litestreams, replicatedApp, type ReplicatedApp } from '../helpers/litestream.ts'
import { waitUntil } from '../helpers/wait-until.ts'

const lines = ['0.3', '0.5'] as const
const kinds = ['folder', 's3', 'sftp'] as const

for (const line of lines)
  for (const kind of kinds) {
    const { isMissing, start } = backupTargets[kind]
    const { path: binary, isMissing: isWithout } = litestreams[line]
    test(
      `Litestream ${line} replicates to ${kind}, tells its lag, and sends the last rows before it ends`,
      { skip: isWithout || isMissing, timeout: 120_000 },
      async () => {
        await using target = await start()
        await using app = await replicatedApp({ binary, replicas: [target.replica] }, target.environment)
        await app.litestream.start()
        await app.write(50)
        await waitUntil('everything is replicated', () => lagOf(app) === 0, 30_000)
        assert.equal(app.litestream.status().problem, undefined)
        assert.equal(app.litestream.status().litestream?.line, line)
        assert.equal(await app.restoredRows(), 50)
        await app.write(25)
        await app.litestream.stop()
        assert.equal(await app.restoredRows(), 75)
      },
    )
  }

for (const line of lines)
  test(
    `after many writes, and checkpoints, a silent database is not behind (Litestream ${line})`,
    { skip: litestreams[line].isMissing, timeout: 120_000 },
    async () => {
      await using target = await backupTargets.folder.start()
      await using app = await replicatedApp({ binary: litestreams[line].path, replicas: [target.replica] })
      await app.litestream.start()
      // More than the WAL holds before Litestream checkpoints, twice.
      for (let round = 0; round < 2; round++) {
        await app.write(1_500)
        await waitUntil('everything is replicated', () => lagOf(app) === 0, 30_000)
      }
      assert.equal(app.litestream.status().problem, undefined)
    },
  )

for (const line of lines) {
  const { path: binary, isMissing } = litestreams[line]

  test(
    `after a busy moment, with several checkpoints, nothing is behind (${line})`,
    { skip: isMissing, timeout: 120_000 },
    async () => {
      await using target = await backupTargets.folder.start()
      await using app = await replicatedApp({ binary, replicas: [target.replica], lagAlarm: '5s' })
      await app.litestream.start()
      await app.write(10)
      await waitUntil('everything is replicated', () => lagOf(app) === 0, 30_000)
      const { pid } = app.litestream.status()
      for (let burst = 0; burst < 8; burst++) {
        // More pages than Litestream leaves in the WAL.
        await app.database.write((tx) => {
          for (let row = 0; row < 1_500; row++)
            tx.run('insert into rows (text) values (?)', ['.'.repeat(3_500)])
        })
        await new Promise((resolve) => setTimeout(resolve, 600))
      }
      await waitUntil('everything is replicated', () => lagOf(app) === 0, 30_000)
      await new Promise((resolve) => setTimeout(resolve, 3_000))
      assert.equal(lagOf(app), 0)
      assert.equal(app.litestream.status().pid, pid)
      assert.equal(await app.restoredRows(), 12_010)
    },
  )

  for (const kind of ['s3', 'sftp'] as const)
    test(
      `a frozen ${kind} is an alarm within seconds, and Litestream ${line} catches up when it thaws`,
      { skip: isMissing || backupTargets[kind].isMissing, timeout: 120_000 },
      async () => {
        await using target = await backupTargets[kind].start()
        await using app = await replicatedApp(
          { binary, replicas: [target.replica], lagAlarm: '3s' },
          target.environment,
        )
        await app.litestream.start()
        await app.write(20)
        await waitUntil('everything is replicated', () => lagOf(app) === 0, 30_000)
        target.freeze()
        const frozenAt = performance.now()
        await app.write(20)
        await waitUntil('the alarm', () => app.litestream.status().problem?.kind === 'lag', 30_000)
        assert.ok(performance.now() - frozenAt < 15_000)
        assert.match(app.litestream.status().problem!.message, /is \d+ s behind/)
        target.thaw()
        await waitUntil('it is well again', () => app.litestream.status().problem === undefined, 60_000)
        assert.equal(await app.restoredRows(), 40)
      },
    )

  test(
    `a Litestream ${line} that hangs at its end, because its target does, is killed`,
    { skip: isMissing || backupTargets.s3.isMissing, timeout: 120_000 },
    async () => {
      await using target = await backupTargets.s3.start()
      await using app = await replicatedApp({ binary, replicas: [target.replica] }, target.environment)
      await app.litestream.start()
      await app.write(20)
      await waitUntil('everything is replicated', () => lagOf(app) === 0, 30_000)
      target.freeze()
      await app.write(20)
      await app.litestream.stop({ timeout: 1_500 })
      const { state, pid } = app.litestream.status()
      assert.deepEqual([state, pid], ['stopped', undefined])
      assert.ok(app.logger.lines.some(({ message }) => /was killed/.test(message)))
    },
  )

  test(
    `a Litestream ${line} that stands still is told of`,
    { skip: isMissing, timeout: 120_000 },
    async () => {
      await using target = await backupTargets.folder.start()
      await using app = await replicatedApp({ binary, replicas: [target.replica], lagAlarm: '2s' })
      await app.litestream.start()
      await waitUntil('it runs', () => lagOf(app) === 0, 30_000)
      process.kill(app.litestream.status().pid!, 'SIGSTOP')
      await waitUntil('the alarm', () => app.litestream.status().problem?.kind === 'silent', 30_000)
      process.kill(app.litestream.status().pid!, 'SIGCONT')
      await waitUntil('it is well again', () => app.litestream.status().problem === undefined, 30_000)
    },
  )

  test(
    `wrong keys are a problem, and they are neither in a file nor in the log (${line})`,
    { skip: isMissing || backupTargets.s3.isMissing, timeout: 120_000 },
    async () => {
      await using target = await backupTargets.s3.start()
      const environment = {
        // The secret that belongs to it s3rver does not look at.
        LITESTREAM_ACCESS_KEY_ID: 'WRONG-KEY-OF-THIS-TEST',
        LITESTREAM_SECRET_ACCESS_KEY: 'wrong-secret-of-this-test',
        SECRET_OF_THE_APP: 'secret-of-the-app',
      }
      await using app = await replicatedApp({ binary, replicas: [target.replica] }, environment)
      await app.litestream.start()
      await waitUntil('the problem', () => app.litestream.status().problem?.kind === 'error', 60_000)
      assert.match(app.litestream.status().problem!.message, /403|InvalidAccessKeyId|Forbidden|Denied/i)
      const { config, isPrivate, environ } = await innardsOf(app)
      assert.ok(isPrivate)
      assert.doesNotMatch(environ, /secret-of-the-app/)
      assert.match(environ, /wrong-secret-of-this-test/)
      for (const text of [config, JSON.stringify(app.logger.lines), JSON.stringify(app.litestream.status())])
        assert.doesNotMatch(text, /WRONG-KEY-OF-THIS-TEST|wrong-secret-of-this-test|secret-of-the-app/)
    },
  )
}

const lagOf = (app: ReplicatedApp): number | undefined =>
  app.litestream.status().databases[0]!.replicas[0]!.lag

async function innardsOf(app: ReplicatedApp) {
  const { readFile, stat } = await import('node:fs/promises')
  const path = app.folder.file('.backup/litestream.yml')
  const { mode } = await stat(path)
  const environ = await readFile(`/proc/${app.litestream.status().pid}/environ`, 'utf8')
  return { config: await readFile(path, 'utf8'), isPrivate: (mode & 0o777) === 0o600, environ }
}
