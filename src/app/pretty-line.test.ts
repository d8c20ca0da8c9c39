import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { prettyLine } from './pretty-line.ts'

const head = { level: 'info', time: '2026-11-20T12:03:04.120Z', process: 'web.1', pid: 7 }
const line = (fields: object): string => stripVTControlCharacters(prettyLine({ ...head, ...fields }))

test('a line has time, level, process, message and fields', () => {
  assert.equal(line({ msg: 'Reloaded', served: 12 }), '12:03:04.120 info  web.1 Reloaded served=12\n')
  assert.equal(
    line({ msg: 'x', list: [1, { a: 'b' }] }),
    "12:03:04.120 info  web.1 x list=[ 1, { a: 'b' } ]\n",
  )
})

test('a request is method, path, status and time', () => {
  const request = {
    msg: 'request',
    method: 'GET',
    path: '/posts/1',
    status: 200,
    duration: 3.04,
    requestId: 'x',
  }
  assert.equal(line(request), '12:03:04.120 info  web.1 GET /posts/1 200 3 ms\n')
  assert.equal(line({ ...request, duration: 1234.5 }), '12:03:04.120 info  web.1 GET /posts/1 200 1200 ms\n')
  assert.equal(
    line({ ...request, status: 404, duration: undefined }),
    '12:03:04.120 info  web.1 GET /posts/1 404\n',
  )
})

test('an error stands below, with its stack and its cure', () => {
  const error = { message: 'no', stack: 'Error: no\n    at file.ts:1', fix: 'Do it.' }
  assert.equal(
    line({ msg: 'failed', level: 'error', error }),
    '12:03:04.120 error web.1 failed\n  Error: no\n      at file.ts:1\n  Do it.\n',
  )
  assert.equal(line({ msg: 'failed', error: 'text' }), '12:03:04.120 info  web.1 failed\n  text\n')
})
