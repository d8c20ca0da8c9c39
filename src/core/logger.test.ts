import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { logger, standardLogger } from './logger.ts'

test('the default is the standard logger; any object with the four methods fits', () => {
  const own = recordingLogger()
  assert.equal(logger(undefined, 'logger'), standardLogger)
  assert.equal(logger(own, 'logger'), own)
})

test('what cannot log is refused', async () => {
  for (const value of [null, '', 0, true, {}, () => {}, { ...recordingLogger(), warn: undefined }])
    assert.equal(await codeOf(() => logger(value, 'logger')), 'HANDCAR_OPTION_INVALID')
})

test('the standard logger shows errors', (context) => {
  const { mock } = context.mock.method(process.stderr, 'write', () => true)
  standardLogger.warn({ job: 'a', error: new TypeError('no') }, 'it failed')
  context.mock.restoreAll()
  assert.equal(mock.calls[0]?.arguments[0], 'handcar warn: it failed {"job":"a","error":"TypeError: no"}\n')
})
