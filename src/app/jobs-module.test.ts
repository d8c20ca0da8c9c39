import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appFolder } from '../../test/helpers/app-folder.ts'
import { codeOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { Handcar } from './handcar.ts'
import { importJobs } from './jobs-module.ts'
import { loadConfig } from './load-config.ts'

const definitions = `
import { defineJob, defineRecurring } from 'handcar/jobs'
export const one = defineJob({ name: 'one', perform: () => {} })
export const others = [one, defineJob({ name: 'two', perform: () => {} })]
export const helper = () => 1
export const hourly = defineRecurring({ name: 'hourly', job: one, every: '1h' })
export default defineJob({ name: 'three', perform: () => {} })`

test('every definition that the module exports is known once, alone or in a list', async () => {
  using folder = appFolder({ 'src/jobs.ts': definitions })
  const found = await importJobs((await loadConfig(folder.path)).jobs)
  assert.deepEqual(found.map(({ name }) => name).toSorted(), ['hourly', 'one', 'three', 'two'])
})

test('the module has its usual places, and may be named', async () => {
  const places = ['src/jobs.ts', 'src/jobs/index.ts', 'src/jobs.js', 'src/jobs/index.js', 'lib/work.ts']
  for (const place of places) {
    using folder = appFolder({ [place]: '' })
    if (place.startsWith('lib'))
      folder.write('handcar.config.js', `export default { jobs: { definitions: '${place}' } }`)
    const { jobs } = await loadConfig(folder.path)
    assert.equal(jobs.definitions, folder.file(place))
  }
  using without = appFolder()
  assert.equal((await loadConfig(without.path)).jobs.definitions, undefined)
  assert.deepEqual(await importJobs({}), [])
})

test('a file that is named and is not there is missed', async () => {
  assert.equal(await codeOf(() => importJobs({ definitions: '/nowhere/jobs.ts' })), 'HANDCAR_JOBS_INVALID')
})

test('two jobs of one name keep the app from starting, and so does a module that throws', async () => {
  const logger = recordingLogger()
  using twice = appFolder({
    'src/jobs.ts': `${definitions}\nexport const more = defineJob({ name: 'two', perform() {} })`,
  })
  const first = new Handcar(await loadConfig(twice.path), { logger, migrate: true })
  assert.equal(await codeOf(() => first.start()), 'HANDCAR_OPTION_INVALID')
  using broken = appFolder({ 'src/jobs.ts': "throw new Error('mine')" })
  const second = new Handcar(await loadConfig(broken.path), { logger, migrate: true })
  await assert.rejects(() => second.start(), { message: 'mine' })
  assert.equal(second.state, 'stopped')
})
