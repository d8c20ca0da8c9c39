import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findLitestream } from 'handcar/backup'
import type { LitestreamBinary, LitestreamLine } from 'handcar/backup'

/** The Litestreams that can be measured here, by line, and a sentence about each that cannot. */
interface Litestreams {
  readonly found: ReadonlyMap<LitestreamLine, LitestreamBinary>
  readonly missing: readonly string[]
}

const repository = fileURLToPath(new URL('../..', import.meta.url))
const built = `${repository}node_modules/.cache/litestream/0.5.16/litestream`
const embedded = `${repository}node_modules/@flydotio/litestream-${process.platform}-${process.arch}/litestream`

/** Looks for the one that `scripts/install-litestream.ts` builds (or HANDCAR_LITESTREAM names), and for the one that npm has. */
export async function findLitestreams(): Promise<Litestreams> {
  const found = new Map<LitestreamLine, LitestreamBinary>()
  for (const path of [process.env.HANDCAR_LITESTREAM ?? built, embedded]) {
    if (!existsSync(path)) continue
    const litestream = await findLitestream({ binary: path, installed: '', app: repository })
    found.set(litestream.line, litestream)
  }
  const cures = { '0.5': 'node scripts/install-litestream.ts', '0.3': 'npm install, on Linux or macOS' }
  const missing = (['0.5', '0.3'] as const)
    .filter((line) => !found.has(line))
    .map((line) => `no Litestream ${line} (${cures[line]})`)
  return { found, missing }
}
