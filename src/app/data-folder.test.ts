import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { prepareDataFolder } from './data-folder.ts'

const tmpfs = 0x01021994
const hasMemoryFolder = existsSync('/dev/shm') && statfsSync('/dev/shm').type === tmpfs
const development = 'development'

test('a missing folder is made', () => {
  using folder = temporaryFolder()
  const data = folder.file('deep/data')
  assert.equal(prepareDataFolder({ data, environment: development }), data)
  assert.ok(statSync(data).isDirectory())
  assert.equal(prepareDataFolder({ data, environment: development }), data)
})

test('what is no folder, or cannot be one, is refused', { timeout: 10_000 }, async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('file'), '')
  for (const data of [folder.file('file'), folder.file('file/data'), '/proc/nowhere/data']) {
    const error = await errorOf(() => prepareDataFolder({ data, environment: development }))
    assert.equal(error.code, 'HANDCAR_DATA_FOLDER')
    assert.ok(error.message.includes(data))
  }
})

test('in production memory is no place for data', { skip: !hasMemoryFolder && 'no tmpfs here' }, async () => {
  const data = mkdtempSync('/dev/shm/handcar-test-')
  try {
    const place = { data, environment: 'production' } as const
    assert.equal(await codeOf(() => prepareDataFolder(place, {})), 'HANDCAR_DATA_VOLATILE')
    assert.equal(prepareDataFolder(place, { HANDCAR_ALLOW_VOLATILE_DATA: '1' }), data)
    assert.equal(prepareDataFolder({ data, environment: development }, {}), data)
  } finally {
    rmSync(data, { recursive: true })
  }
})
