import assert from 'node:assert/strict'
import { test } from 'node:test'
import { doctorContext } from '../../../test/helpers/doctor-context.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import type { TreeStatus } from '../../supervisor/index.ts'
import { judgeFiles, realtime } from './realtime.ts'

test('an app without channels is not looked at; one with them needs a file for each client', async () => {
  using folder = temporaryFolder()
  using without = doctorContext(folder)
  assert.deepEqual(await realtime.run(without), [])
  using context = doctorContext(folder, { mostClients: 1 })
  assert.deepEqual(await realtime.run(context), [
    { status: 'ok', what: 'a process takes up to 1 clients of realtime' },
  ])
  const limits =
    'Limit  Soft Limit  Hard Limit  Units\nMax open files            4096                 4096                 files\n'
  assert.deepEqual(judgeFiles(limits, 1_000), [])
  assert.partialDeepStrictEqual(judgeFiles(limits, 20_000), [{ status: 'warning' }])
  assert.deepEqual(judgeFiles(limits.replaceAll('4096', 'unlimited'), 20_000), [])
  assert.deepEqual(judgeFiles('', 20_000), [])
})

test('a process that cannot read the messages is a warning', async () => {
  using folder = temporaryFolder()
  const stats = { realtime: { isReading: false } }
  const running = { processes: [{ name: 'web.1', kind: 'web', stats }] } as unknown as TreeStatus
  using context = doctorContext(folder, { running, mostClients: 1 })
  const findings = await realtime.run(context)
  assert.deepEqual(
    findings.map(({ status }) => status),
    ['warning'],
  )
  assert.match(findings[0]!.what, /cannot be read in web\.1/)
})
