import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleClient } from '../src/realtime/client-file.ts'

/** Builds the package: plain `tsc`, file by file, into `dist/`; and the client of realtime once more, as one file for browsers. */
const root = join(import.meta.dirname, '..')

rmSync(join(root, 'dist'), { recursive: true, force: true })
const compiler = join(root, 'node_modules/.bin/tsc')
const { status } = spawnSync(compiler, ['--project', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
writeFileSync(join(root, 'dist/realtime/client.min.js'), await bundleClient())
