import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import type { ProcessDeath, SupervisedProcess } from '../supervisor/index.ts'
import type { Handcar } from './handcar.ts'
import { workWhenServing } from './work-when-serving.ts'

/** A process whose work cannot begin a number of times, and a supervisor. */
function pretended(failures: number) {
  const logger = recordingLogger()
  const told = { works: 0, rests: 0, deaths: [] as ProcessDeath[] }
  let serve = (): void => {}
  let tellDeath: (death: ProcessDeath) => void = () => {}
  const supervised = {
    onServe: (listener: () => void) => (serve = listener),
    onDeath: (listener: typeof tellDeath) => (tellDeath = listener),
  } as unknown as SupervisedProcess
  const handcar = {
    logger,
    async work() {
      if (told.works++ < failures) throw new Error('the disk is full')
    },
    jobs: {
      rest: async () => void told.rests++,
      async rescue(death: ProcessDeath) {
        told.deaths.push(death)
        throw new Error('busy')
      },
    },
  } as unknown as Handcar
  const rest = workWhenServing(supervised, handcar)
  return { told, logger, rest, serve: () => serve(), die: (death: ProcessDeath) => tellDeath(death) }
}

test('work begins when the release serves, and is tried again while it cannot begin', async () => {
  const { told, logger, serve, rest } = pretended(1)
  assert.equal(told.works, 0)
  serve()
  await waitUntil('it has begun', () => told.works === 2)
  assert.match(logger.lines[0]!.message, /cannot be performed yet/)
  await rest(10)
  assert.equal(told.rests, 1)
})

test('what has not begun when the process ends does not begin any more', async () => {
  const { told, serve, rest } = pretended(Infinity)
  serve()
  await waitUntil('it was tried', () => told.works === 1)
  await rest(10)
  assert.equal(told.works, 1)
})

test('a rescue that fails is said, and ends nothing', async () => {
  const { told, logger, die } = pretended(0)
  die({ pid: 7, signal: 'SIGKILL' })
  await waitUntil('it is said', () => logger.lines.length === 1)
  assert.deepEqual(told.deaths, [{ pid: 7, signal: 'SIGKILL' }])
})
