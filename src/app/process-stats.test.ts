import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { Handcar } from './handcar.ts'
import { processStats } from './process-stats.ts'
import { resolveConfig } from './resolve-config.ts'
import { watchVerification } from './verification.ts'

test('a database that cannot be read is left out of a heartbeat, and said once', async () => {
  using folder = temporaryFolder()
  const logger = recordingLogger()
  const config = resolveConfig({}, { folder: folder.path, environment: {} })
  await using handcar = new Handcar(config, { role: 'jobs', migrate: true, logger })
  await handcar.start()
  await handcar.work()
  const stats = processStats(handcar)
  assert.deepEqual([stats().queuedWrites, stats().jobs?.longestWait], [0, 0])
  const said = () => logger.lines.filter(({ message }) => message.includes('could not be told')).length
  await handcar.database.run('alter table handcar_jobs rename to elsewhere')
  for (const _ of [1, 2]) assert.equal(stats().jobs?.longestWait, 0)
  assert.equal(said(), 1)
  await handcar.database.run('alter table elsewhere rename to handcar_jobs')
  stats()
  assert.equal(said(), 1)
  await handcar.stop()
  assert.equal(stats().queuedWrites, undefined)
  assert.equal(said(), 1)
})

test('nor does what is known of the backup end a process when it cannot be read', async () => {
  using folder = temporaryFolder()
  const replica = { type: 'folder', path: folder.file('replica') } as const
  const config = resolveConfig(
    { backup: { replicas: [replica] }, environment: 'production' },
    { folder: folder.path, environment: {} },
  )
  await using handcar = new Handcar(config, { role: 'jobs', migrate: true, logger: recordingLogger() })
  await handcar.start()
  const stats = processStats(handcar)
  await handcar.stop()
  assert.throws(watchVerification(handcar))
  assert.equal(stats().verification, undefined)
})
