import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exists } from './pin.ts'

const compiler = process.env.CC ?? 'cc'
const source = fileURLToPath(new URL('slow-sync.c', import.meta.url))

/**
 * Compiles the shim that delays every fsync and fdatasync of a process, and returns the environment that loads it;
 * undefined where there is no C compiler or this is not Linux.
 */
export function slowSyncs(folder: string, milliseconds: number): Record<string, string> | undefined {
  if (process.platform !== 'linux' || !exists(compiler)) return undefined
  const library = join(folder, 'slow-sync.so')
  execFileSync(compiler, ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl'])
  return { LD_PRELOAD: library, SLOW_SYNC_MICROSECONDS: String(milliseconds * 1000) }
}
