import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/**
 * Installs s3rver, the small S3 server of the tests of backups, into `node_modules/.cache/s3rver/`, apart from our dependencies: it is old,
 * its packages are too, and nothing but these tests may find them.
 */
const version = '3.7.1'
const folder = resolve(import.meta.dirname, '../node_modules/.cache/s3rver')

if (existsSync(join(folder, 'node_modules/s3rver/package.json'))) {
  console.log(`s3rver is installed already: ${folder}`)
} else {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', `s3rver@${version}`]
  await promisify(execFile)('npm', args, { cwd: folder })
  console.log(`s3rver ${version} is installed: ${folder}`)
}
