import { existsSync, readFileSync } from 'node:fs'

/** What a package of this folder brings, as far as the caller knows. */
type Loaded = Readonly<Record<string, unknown>>

/**
 * The packages here have requirements that the rest of the repository does not share, so they are installed by
 * `bench/install-tools.sh` into this folder, and only there. The reason why some are not; `undefined` where all are.
 */
export function rivalsAreMissing(...names: readonly string[]): string | undefined {
  const missing = names.filter((name) => !existsSync(manifest(name)))
  return missing.length === 0 ? undefined : `no ${missing.join(', ')} (bench/install-tools.sh installs them)`
}

/** Imports a package, or a part of one, from this folder. */
export async function loadRival<Module = Loaded>(specifier: string): Promise<Module> {
  return (await import(specifier)) as Module
}

/** The version that is installed here. */
export function rivalVersion(name: string): string {
  return (JSON.parse(readFileSync(manifest(name), 'utf8')) as { version: string }).version
}

function manifest(name: string): URL {
  return new URL(`./node_modules/${name}/package.json`, import.meta.url)
}
