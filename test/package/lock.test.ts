import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

test('npm ci compiles nothing, whatever the version of npm', async () => {
  const text = await readFile(join(import.meta.dirname, '../../package-lock.json'), 'utf8')
  const { packages } = JSON.parse(text) as { packages: Record<string, { gypfile?: boolean }> }
  assert.equal(packages['node_modules/better-sqlite3']?.gypfile, false, 'run `node scripts/lock.ts`')
})
