import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { benchmarksPage } from './page.ts'
import { committedFolders } from './result.ts'

test('docs/benchmarks.md is what the committed results say', async () => {
  const page = await readFile(committedFolders.page, 'utf8')
  assert.equal(page, await benchmarksPage(committedFolders.results))
})
