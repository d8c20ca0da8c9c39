import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { codeOf } from '../../test/helpers/errors.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { readCheckout } from './git.ts'
import { folderName, placeOf } from './place.ts'

const skip = spawnSync('git', ['--version']).status !== 0 && 'needs git'

function git(folder: string, ...words: string[]): void {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false']
  execFileSync('git', [...identity, ...words], { cwd: folder, stdio: 'pipe' })
}

function repository(folder: string, branch = 'main'): void {
  git(folder, 'init', '-q', '-b', branch)
  git(folder, 'commit', '-q', '--allow-empty', '-m', 'first')
}

test('the branch that is checked out, the default one and all others', { skip }, () => {
  using folder = temporaryFolder()
  repository(folder.path)
  git(folder.path, 'switch', '-q', '-c', 'feature/x')
  git(folder.path, 'branch', 'other')
  mkdirSync(folder.file('apps/web'), { recursive: true })
  const expected = {
    current: 'feature/x',
    default: 'main',
    branches: new Set(['feature/x', 'main', 'other']),
  }
  assert.deepEqual(readCheckout(folder.file('apps/web')), expected)
  git(folder.path, 'pack-refs', '--all')
  assert.deepEqual(readCheckout(folder.path), expected)
})

test('before the first commit, on a tag, in a worktree, in a rebase', { skip }, () => {
  using folder = temporaryFolder()
  git(folder.path, 'init', '-q', '-b', 'stem')
  assert.deepEqual(readCheckout(folder.path), { current: 'stem', default: 'stem', branches: new Set() })
  git(folder.path, 'commit', '-q', '--allow-empty', '-m', 'first')
  git(folder.path, 'worktree', 'add', '-q', '-b', 'beside', folder.file('tree'))
  assert.deepEqual(readCheckout(folder.file('tree')).current, 'beside')
  assert.ok(readCheckout(folder.file('tree')).branches.has('stem'))
  git(folder.path, 'checkout', '-q', '--detach')
  assert.equal(readCheckout(folder.path).current, 'HEAD')
  mkdirSync(folder.file('.git/rebase-merge'))
  writeFileSync(folder.file('.git/rebase-merge/head-name'), 'refs/heads/feature/y\n')
  assert.equal(readCheckout(folder.path).current, 'feature/y')
})

test('a folder that is no checkout', async () => {
  assert.equal(await codeOf(() => readCheckout('/')), 'HANDCAR_BRANCH_NOT_FOUND')
})

const safe: [string, RegExp][] = [
  ['fix-typo', /^fix-typo$/],
  ['v1.2_x', /^v1\.2_x$/],
  ['feature/x', /^feature-x-[0-9a-f]{8}$/],
  ['Feature-X', /^feature-x-[0-9a-f]{8}$/],
  ['../../etc', /^etc-[0-9a-f]{8}$/],
  ['..', /^[0-9a-f]{8}$/],
  ['.lock', /^lock-[0-9a-f]{8}$/],
  ['größe', /^gr-e-[0-9a-f]{8}$/],
  ['日本', /^[0-9a-f]{8}$/],
  ['x'.repeat(300), /^x{60}-[0-9a-f]{8}$/],
]
for (const [branch, pattern] of safe) {
  test(`the folder of ${branch.slice(0, 20)}`, () => {
    assert.match(folderName(branch), pattern)
    assert.equal(placeOf('/data', branch, branch).data, '/data')
  })
}

test('names that look alike have folders of their own', () => {
  const names = ['feature/x', 'feature-x', 'Feature-X', 'feature--x', 'feature_x']
  assert.equal(new Set(names.map(folderName)).size, names.length)
})
