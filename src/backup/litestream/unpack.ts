import { execFile } from 'node:child_process'
import { chmod, lstat, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { parseVersion } from './version.ts'

/**
 * Takes the program out of an archive of Litestream, tries it, and puts it in its place by a rename; nothing else of the archive is written
 * anywhere. What was there before stays when anything fails.
 *
 * @param to Where the program goes.
 * @returns its version
 */
export async function unpackLitestream(archive: Uint8Array, to: string): Promise<string> {
  const folder = `${to}.installing`
  await rm(folder, { recursive: true, force: true })
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, 'archive.tar.gz'), archive)
    const program = join(folder, 'litestream')
    await run('tar', ['-xzf', 'archive.tar.gz', basename(program)], { cwd: folder })
    const status = await lstat(program)
    if (!status.isFile() || status.nlink !== 1) throw new Error('litestream in it is not a file but a link')
    await chmod(program, 0o755)
    const { stdout } = await run(program, ['version'], { timeout: 30_000 })
    const { version } = parseVersion(stdout, program)
    await sync(program)
    await rename(program, to)
    await sync(dirname(to))
    return version
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const run = promisify(execFile)

async function sync(path: string): Promise<void> {
  await using file = await open(path, 'r')
  await file.sync()
}
