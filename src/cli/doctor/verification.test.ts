import assert from 'node:assert/strict'
import { test } from 'node:test'
import { doctorContext } from '../../../test/helpers/doctor-context.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { verification } from './verification.ts'

test('no backup is no finding; a backup that is fine, and one that is not', async () => {
  using folder = temporaryFolder()
  const findingsFor = async (look: (() => Promise<string | undefined>) | undefined) => {
    using context = doctorContext(folder, { verification: look })
    return (await verification.run(context)).map(({ status, what }) => [status, what])
  }
  assert.deepEqual(await findingsFor(undefined), [])
  assert.deepEqual(await findingsFor(async () => undefined), [['ok', 'nothing is known against the backup']])
  assert.deepEqual(await findingsFor(async () => 'it is damaged'), [['warning', 'it is damaged']])
})
