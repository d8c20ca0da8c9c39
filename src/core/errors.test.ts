import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorsReference, errorsReferencePath } from '../../scripts/errors-reference.ts'
import { errorCatalog } from './error-catalog.ts'
import { BusyError, HandcarError } from './errors.ts'

const source = new URL('../', import.meta.url)

test('an error has a name, a code, a message, a cure, details and a cause', () => {
  const cause = new Error('lock')
  const error = new BusyError('HANDCAR_DATABASE_BUSY', 'waited 5 s', { details: { waited: 5 }, cause })
  assert.ok(error instanceof HandcarError && error instanceof Error)
  assert.equal(error.name, 'BusyError')
  assert.equal(error.code, 'HANDCAR_DATABASE_BUSY')
  assert.equal(error.message, 'waited 5 s')
  assert.equal(error.fix, errorCatalog.HANDCAR_DATABASE_BUSY.fix)
  assert.deepEqual(error.details, { waited: 5 })
  assert.equal(error.cause, cause)
})

test('a cure of its own takes the place of the general one, and no cause means no property', () => {
  const error = new HandcarError('HANDCAR_PARAMETER', 'wrong', { fix: 'Bind null.' })
  assert.equal(error.fix, 'Bind null.')
  assert.equal('cause' in error, false)
})

test('every code of the catalog is used by the source, and every code in the source is in the catalog', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  const sources = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  const thrown = new Set<string>()
  for (const file of sources) {
    if (file.endsWith('error-catalog.ts')) continue
    const text = readFileSync(new URL(file, source), 'utf8')
    for (const [, code] of text.matchAll(/(?<!\[)'(HANDCAR_[A-Z_]+)'/g)) thrown.add(code!)
  }
  assert.deepEqual([...thrown].sort(), Object.keys(errorCatalog).sort())
})

test('docs/reference/errors.md is what scripts/errors-reference.ts makes', () => {
  assert.equal(readFileSync(errorsReferencePath, 'utf8'), errorsReference())
})
