import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { completeLock, type Lock } from '../../scripts/complete-lock.ts'

test('the lock file is complete: npm ci works with every npm, and compiles nothing', async () => {
  const text = await readFile(join(import.meta.dirname, '../../package-lock.json'), 'utf8')
  const lock = JSON.parse(text) as Lock
  const completed = structuredClone(lock)
  completeLock(completed)
  assert.deepEqual(lock, completed, 'run `node scripts/lock.ts`')
})

test('a binary that npm left out is for the system that its name tells', () => {
  const optionalDependencies = { '@tool/binding-linux-arm-musleabihf': '1.0.0', '@tool/win32-x64': '1.0.0' }
  const lock: Lock = { packages: { 'node_modules/tool': { dev: true, optionalDependencies } } }
  completeLock(lock)
  const expected = {
    version: '1.0.0',
    os: ['linux'],
    cpu: ['arm'],
    libc: ['musl'],
    dev: true,
    optional: true,
  }
  assert.deepEqual(lock.packages['node_modules/@tool/binding-linux-arm-musleabihf'], expected)
  assert.deepEqual(lock.packages['node_modules/@tool/win32-x64']?.os, ['win32'])
})
