import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Runs all tests: first those that may share the machine, several files at once, then those in `test/timing`, which measure how
 * long something takes, one after the other. Arguments go to Node's test runner.
 */
const root = join(import.meta.dirname, '..')
const folders = ['src', 'test', 'examples/*/test', 'bench'].map((folder) => `${folder}/**/*.test.ts`)
const files = globSync(folders, { cwd: root, exclude: ['**/node_modules/**'] }).sort()
const isTimed = (file: string): boolean => file.startsWith('test/timing/')

const statuses = [
  run(
    files.filter((file) => !isTimed(file)),
    4,
  ),
  run(files.filter(isTimed), 1),
]
process.exit(Math.max(...statuses))

function run(selected: string[], concurrency: number): number {
  const options = ['--conditions=handcar-source', '--test', `--test-concurrency=${concurrency}`]
  const { status } = spawnSync(process.execPath, [...options, ...process.argv.slice(2), ...selected], {
    cwd: root,
    stdio: 'inherit',
  })
  return status ?? 1
}
