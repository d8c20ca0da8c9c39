import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { completeLock, type Lock } from './complete-lock.ts'

/**
 * Completes `package-lock.json`, see `complete-lock.ts`. npm runs this (`dependencies` in package.json) after it has changed the
 * dependencies.
 */
const path = join(import.meta.dirname, '../package-lock.json')
const before = readFileSync(path, 'utf8')
const lock = JSON.parse(before) as Lock
completeLock(lock)
const after = `${JSON.stringify(lock, null, 2)}\n`
if (after !== before) writeFileSync(path, after)
