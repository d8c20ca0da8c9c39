import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from './settings.ts'

/** The key that signs session cookies: SESSION_SECRET, or else made once and kept in the data folder, for the owner's eyes only. */
export function sessionSecret({ sessionSecret }: Pick<Settings, 'sessionSecret'>, data: string): string {
  if (sessionSecret) return sessionSecret
  const path = join(data, 'session-secret')
  mkdirSync(data, { recursive: true })
  try {
    writeFileSync(path, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(path, 'utf8')
}
