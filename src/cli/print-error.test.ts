import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { describeFailure, HandcarError, restoreFailure } from '../core/index.ts'
import type { Output } from './output.ts'
import { printError } from './print-error.ts'

function printed(error: unknown, verbose = false): string {
  const lines: string[] = []
  printError(
    error,
    { warn: (line: string) => void lines.push(stripVTControlCharacters(line)) } as Output,
    verbose,
  )
  return lines.join('\n')
}

test('an error of the app in another process says where it was thrown', () => {
  const failure = {
    ...describeFailure(new Error('boom')),
    stack: 'Error: boom\n    at file:///app/src/jobs.ts:7:1',
  }
  const error = restoreFailure(failure, 'HANDCAR_BOOT_FAILED')
  assert.match(printed(error), /^error: Error: boom\n {4}at file:\/\/\/app\/src\/jobs.ts:7:1\nfix: /)
  assert.match(printed(error, true), /jobs\.ts:7:1/)
})

test('an error of handcar shows its stack only when it is asked for', () => {
  const error = new HandcarError('HANDCAR_JOBS_INVALID', 'There is no file jobs.ts')
  assert.match(printed(error), /^error: There is no file jobs.ts\nfix: .*\ncode: {2}HANDCAR_JOBS_INVALID$/)
  assert.match(printed(error, true), /\n {4}at /)
  assert.match(
    printed(restoreFailure(describeFailure(error), 'HANDCAR_BOOT_FAILED')),
    /^error: [^\n]*\nfix: /,
  )
})
