import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './nearest.ts'

const names = ['checkpoint', 'concurrency', 'durability', 'hog', 'overhead']

test('a mistyped name finds the one that was meant', () => {
  assert.equal(nearest('concurency', names), 'concurrency')
  assert.equal(nearest('hogg', names), 'hog')
  assert.equal(nearest('durabilty', names), 'durability')
})

test('a name like no other finds nothing', () => {
  assert.equal(nearest('zzzzzzzzzzzzzzzz', names), undefined)
  assert.equal(nearest('anything', []), undefined)
})
