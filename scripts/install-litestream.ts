import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/**
 * Builds the Litestream 0.5 that the tests use, from source, into `node_modules/.cache/litestream/`: the test of a backup should run the
 * program that its users run, and npm has none of 0.5. Go checks what it fetches against its checksum database. Needs Go 1.24, on PATH or
 * where its installer puts it.
 */
const version = '0.5.16'
const folder = resolve(import.meta.dirname, '../node_modules/.cache/litestream', version)
const program = join(folder, 'litestream')

if (existsSync(program)) {
  console.log(`Litestream ${version} is built already: ${program}`)
} else {
  const building = `${folder}.building`
  await mkdir(building, { recursive: true })
  const PATH = `${process.env['PATH']}:/usr/local/go/bin`
  await promisify(execFile)(
    'go',
    ['install', `github.com/benbjohnson/litestream/cmd/litestream@v${version}`],
    {
      env: { ...process.env, PATH, GOBIN: building, CGO_ENABLED: '0' },
    },
  ).catch((error: Error & { stderr?: string }) => {
    console.error(`Litestream ${version} could not be built: ${error.stderr ?? error.message}`)
    process.exit(1)
  })
  await rm(folder, { recursive: true, force: true })
  await rename(building, folder)
  console.log(`Litestream ${version} is built: ${program}`)
}
