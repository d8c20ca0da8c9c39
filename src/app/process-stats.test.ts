import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { Handcar } from './handcar.ts'
import { processStats } from './process-stats.ts'
import { resolveConfig } from './resolve-config.ts'

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
