import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { doctorContext } from '../../../test/helpers/doctor-context.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import type { TreeStatus } from '../../supervisor/index.ts'
import { cacheFile } from './cache-file.ts'

test('a cache that works, and none, are well', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('data'))
  using context = doctorContext(folder)
  assert.deepEqual(await cacheFile.run(context), [{ status: 'ok', what: 'there is no cache yet' }])
  writeFileSync(folder.file('data/cache.sqlite3'), Buffer.alloc(4_096))
  assert.deepEqual(await cacheFile.run(context), [{ status: 'ok', what: 'the cache takes 4 KB' }])
})

test('a cache that cannot be used and one that was damaged are warnings', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('data'))
  const cache = { hits: 0, misses: 0, ratio: 0, errors: 3, isOn: false }
  const running = { processes: [{ name: 'web.1', stats: { cache } }] } as unknown as TreeStatus
  using context = doctorContext(folder, { running })
  writeFileSync(folder.file('data/cache.sqlite3.corrupt-2026-11-20'), '')
  writeFileSync(folder.file('data/cache.sqlite3.corrupt-2026-11-20-wal'), '')
  const findings = await cacheFile.run(context)
  assert.deepEqual(
    findings.map(({ status }) => status),
    ['warning', 'warning'],
  )
  assert.match(findings[0]!.what, /cannot be used in web\.1/)
  assert.match(findings[1]!.what, /corrupt-2026-11-20$/)
})
