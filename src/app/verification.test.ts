import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../test/helpers/errors.ts'
import { judgeVerifications, type Verification } from '../backup/index.ts'
import { defineJob } from '../jobs/index.ts'
import type { BackupConfig, JobsConfig } from './config.ts'
import { resolveConfig } from './resolve-config.ts'
import { assertNotReserved, verificationJobs } from './verification.ts'

const replicas = [{ type: 's3', bucket: 'b' }] as const

function jobsOf(backup: BackupConfig, jobs: JobsConfig = {}, environment = 'production') {
  const config = resolveConfig(
    { backup, jobs },
    { folder: '/nowhere', environment: { NODE_ENV: environment } },
  )
  return verificationJobs(config)
}

test('it is verified where there is a backup, in production, unless the setting says no', () => {
  assert.deepEqual(jobsOf({}), [])
  assert.deepEqual(jobsOf({ replicas }, {}, 'development'), [])
  assert.deepEqual(jobsOf({ replicas, verify: false }), [])
  const [daily] = jobsOf({ replicas })
  assert.equal(daily!.settings.schedule, 'every 86400000')
  assert.equal(daily!.job.maxAttempts, 1)
  const [often] = jobsOf({ replicas, verify: { every: '6h' } })
  assert.equal(often!.settings.schedule, 'every 21600000')
})

test('its job is in a queue that the app takes jobs from', () => {
  const queueFor = (queues: string | string[] | Record<string, number>) =>
    jobsOf({ replicas }, { work: { queues } })[0]!.job.queue
  assert.equal(queueFor('*'), 'default')
  assert.equal(queueFor('mail, default'), 'default')
  assert.equal(queueFor(['mail', 'def*']), 'default')
  assert.equal(queueFor(['mail', 'reports']), 'mail')
  assert.equal(queueFor({ mail: 3, reports: 1 }), 'mail')
  assert.equal(queueFor(['mail-*']), 'mail-')
})

test('no job of an app is called as it is', async () => {
  const taken = defineJob({ name: 'handcar.backup.verify', perform: () => {} })
  assert.equal(await codeOf(() => assertNotReserved([taken])), 'HANDCAR_OPTION_INVALID')
  assertNotReserved([defineJob({ name: 'verify', perform: () => {} })])
})

test('wrong settings are refused', async () => {
  for (const verify of [{ every: '1ms' }, { every: 'often' }, { timeout: 0 }, { at: '9:00' }, true])
    assert.match(
      (await codeOf(() => jobsOf({ replicas, verify: verify as BackupConfig['verify'] & object }))) ?? 'none',
      /^HANDCAR_OPTION_/,
      JSON.stringify(verify),
    )
})

test('what is worried about: a failure, never, too long ago', () => {
  const hour = 3_600_000
  const now = 100 * 24 * hour
  const check = (verdict: Verification['verdict'], age: number): Verification => ({
    database: 'app',
    replica: 's3',
    address: 's3://b/app',
    verdict,
    reason: verdict === 'verified' ? null : 'the reason',
    beganAt: now - age,
    duration: 1,
    restorableAfter: null,
    bytes: null,
    rows: null,
    compared: null,
    litestream: '0.5.16',
  })
  const judge = (last: Verification, lastConclusive?: Verification, lastVerified?: Verification) =>
    judgeVerifications([{ database: 'app', replica: 's3', last, lastConclusive, lastVerified }], {
      every: 24 * hour,
      now,
    })
  assert.equal(judgeVerifications([], { every: hour, now }), undefined)
  const green = check('verified', hour)
  const red = check('failed', hour)
  const unknown = check('inconclusive', hour)
  const old = check('verified', 72 * hour)
  assert.equal(judge(green, green, green), undefined)
  assert.equal(judge(unknown, green, green), undefined)
  assert.match(
    judge(red, red, old)!,
    /cannot be relied upon, as was found at 1970-04-10 23:00 UTC: the reason$/,
  )
  assert.match(judge(unknown, red, old)!, /cannot be relied upon/)
  assert.match(judge(unknown)!, /could not be verified yet: the reason$/)
  assert.match(judge(unknown, old, old)!, /verified for the last time at 1970-04-08 00:00 UTC: the reason$/)
})
