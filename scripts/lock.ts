import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Says in the lock file that better-sqlite3 has nothing to compile: it ships prebuilt binaries. `npm ci` of npm 10 (which
 * comes with Node 20) sees only the lock file and the package's `binding.gyp`, and would run node-gyp, which fails where there is
 * no Python. npm runs this script (`dependencies` in package.json) after each change of the dependencies, because it drops
 * the line when it writes the file.
 */
const path = join(import.meta.dirname, '../package-lock.json')
const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, { gypfile?: boolean }> }
const entry = lock.packages['node_modules/better-sqlite3']

if (entry && entry.gypfile !== false) {
  entry.gypfile = false
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
}
