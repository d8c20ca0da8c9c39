import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** A C library to preload into the processes of a test, or why there is none. */
export type Shim = { library: string; missing?: undefined } | { library?: undefined; missing: string }

/** Compiles `<name>.c` of this folder into `folder`. */
export function compileShim(name: string, folder: string): Shim {
  if (process.platform !== 'linux') return { missing: 'libraries are preloaded on Linux only' }
  const library = join(folder, `${name}.so`)
  const source = join(import.meta.dirname, `${name}.c`)
  const { error, status, stderr } = spawnSync(
    'cc',
    ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', library, source, '-ldl'],
    { encoding: 'utf8' },
  )
  if (error) return { missing: `there is no C compiler (${error.message})` }
  if (status !== 0) throw new Error(`${name}.c does not compile: ${stderr}`)
  return { library }
}
