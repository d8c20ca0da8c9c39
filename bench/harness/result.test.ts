import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { isFinished, saveResult } from './result.ts'
import type { Result, ResultFolders } from './result.ts'
import { target } from './targets.ts'

const chart = { title: 'example', subtitle: '', panels: [] }
const machine = { cpu: 'x', cores: 2, memoryGb: 4, kernel: 'Linux 6', fileSystem: 'ext4', loadBefore: 0.1 }

test('a full run writes the result, its chart and the page', async (t) => {
  const folders = await temporaryFolders(t)
  const files = await saveResult(example(false), chart, folders)
  const picture = join(folders.charts, 'example.svg')
  assert.deepEqual(files, [join(folders.results, 'example.json'), picture, folders.page])
  const saved = JSON.parse(await readFile(files[0]!, 'utf8')) as Result
  assert.deepEqual(saved, example(false))
  assert.deepEqual(saved.targets[0], { name: 'failed requests', target: '≤ 0', value: 0, met: true })
  assert.match(await readFile(picture, 'utf8'), /^<svg /)
  assert.match(await readFile(folders.page, 'utf8'), /\| failed requests \| ≤ 0 \| 0 \|/)
})

test('a quick run leaves the committed figures alone', async (t) => {
  const folders = await temporaryFolders(t)
  await saveResult(example(false), chart, folders)
  await saveResult(example(true), chart, folders)
  assert.deepEqual((await readdir(folders.results)).toSorted(), ['example.json', 'example.quick.json'])
  const kept = JSON.parse(await readFile(join(folders.results, 'example.json'), 'utf8')) as Result
  assert.equal(kept.quick, false)
})

test('a scenario is finished when its full result is of this commit', async (t) => {
  const folders = await temporaryFolders(t)
  assert.equal(await isFinished('example', 'abc', folders), false)
  await saveResult(example(true), chart, folders)
  assert.equal(await isFinished('example', 'abc', folders), false)
  await saveResult(example(false), chart, folders)
  assert.equal(await isFinished('example', 'abc', folders), true)
  assert.equal(await isFinished('example', 'def', folders), false)
})

function example(quick: boolean): Result {
  return {
    scenario: 'example',
    description: 'An example.',
    date: '2026-01-01T00:00:00.000Z',
    quick,
    seconds: 1,
    machine,
    versions: { commit: 'abc', node: 'v24' },
    notes: ['pinned'],
    rows: [{ section: 'all', mode: 'handcar', rate: 1 }],
    targets: [target('failed requests', 0, '≤', 0)],
  }
}

async function temporaryFolders(t: TestContext): Promise<ResultFolders> {
  const folder = await mkdtemp(join(tmpdir(), 'handcar-bench-test-'))
  t.after(() => rm(folder, { recursive: true }))
  return { results: join(folder, 'results'), charts: join(folder, 'charts'), page: join(folder, 'page.md') }
}
