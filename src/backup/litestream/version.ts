import { MissingToolError } from '../../core/index.ts'

/** The two formats of Litestream, which differ in configuration, commands and files. */
export type LitestreamLine = '0.3' | '0.5'

/** What a Litestream says of itself. */
export interface LitestreamVersion {
  /** Such as `0.5.16`. */
  version: string
  line: LitestreamLine
}

/**
 * Reads what `litestream version` has printed: `v0.3.13`, `0.5.16`, `v0.5.17-dev`. 0.4 was never released, and what is unknown could
 * understand our configuration in another way.
 *
 * @throws MissingToolError `HANDCAR_LITESTREAM_VERSION`
 */
export function parseVersion(printed: string, path: string): LitestreamVersion {
  const [, version, line] = /^v?((0\.[35])\.\d+)(?:[-+][\w.+-]*)?$/.exec(printed.trim()) ?? []
  if (version !== undefined) return { version, line: line as LitestreamLine }
  throw new MissingToolError(
    'HANDCAR_LITESTREAM_VERSION',
    `Expected Litestream 0.5 or 0.3, got ${printed.trim().slice(0, 60) || 'no answer'} from ${path}`,
    { details: { path } },
  )
}
