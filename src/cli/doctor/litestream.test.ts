import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplicationStatus } from '../../backup/index.ts'
import { doctorContext } from '../../../test/helpers/doctor-context.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { litestream } from './litestream.ts'

async function findingsFor(status: Partial<ReplicationStatus> | undefined) {
  using folder = temporaryFolder()
  const backup = status && (async () => ({ databases: [], ...status }) as unknown as ReplicationStatus)
  using context = doctorContext(folder, { backup })
  return await litestream.run(context)
}

test('no backup is no finding; a Litestream that is missing, old, or fine', async () => {
  assert.deepEqual(await findingsFor(undefined), [])
  const problem = { kind: 'down', message: 'Litestream is missing' } as const
  const [missing] = await findingsFor({ problem })
  assert.deepEqual([missing?.status, missing?.what], ['error', 'Litestream is missing'])
  const path = '/usr/bin/litestream'
  const [old] = await findingsFor({ litestream: { version: '0.3.13', line: '0.3', path } })
  assert.deepEqual([old?.status, old?.what], ['warning', 'Litestream 0.3.13: /usr/bin/litestream'])
  const replicas = [{ name: 's3', address: 's3://b/app', lag: undefined }]
  const [fine] = await findingsFor({
    litestream: { version: '0.5.16', line: '0.5', path },
    databases: [{ name: 'app', path: '/app.sqlite3', replicas }],
  })
  assert.deepEqual([fine?.status, fine?.what], ['ok', 'Litestream 0.5.16, to s3://b/app'])
})
