import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearestName } from './nearest-name.ts'

const known = ['path', 'migrations', 'durability', 'writeTimeout', 'stopTimeout']

test('a slip of the finger is corrected, whatever its case', () => {
  assert.equal(nearestName('migration', known), 'migrations')
  assert.equal(nearestName('duarbility', known), 'durability')
  assert.equal(nearestName('writetimeout', known), 'writeTimeout')
  assert.equal(nearestName('PATH', known), 'path')
})

test('of two near names the nearer one is suggested', () => {
  assert.equal(nearestName('stopTimout', known), 'stopTimeout')
  assert.equal(nearestName('writTimeout', known), 'writeTimeout')
})

test('nothing is suggested when nothing is near', () => {
  assert.equal(nearestName('compression', known), undefined)
  assert.equal(nearestName('x', []), undefined)
})
