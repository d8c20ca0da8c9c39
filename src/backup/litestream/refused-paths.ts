import { OptionsError } from '../../core/index.ts'
import type { ReplicatedDatabase } from './config.ts'
import type { LitestreamLine } from './version.ts'

/** What begins another part of a URI, or stands for another character. */
const meansMoreInUri = /[?#]|%[0-9a-f]{2}/i

/**
 * Litestream 0.5 opens a database by a URI in which it escapes nothing (seen in 0.5.16). With some paths that is another file, of which
 * it sends nothing for ever.
 *
 * @throws OptionsError
 */
export function assertPaths(line: LitestreamLine, databases: readonly ReplicatedDatabase[]): void {
  const refused = databases.find(({ path }) => meansMoreInUri.test(path))
  if (line !== '0.5' || refused === undefined) return
  throw new OptionsError(
    'HANDCAR_LITESTREAM_OPTION',
    `Litestream 0.5 cannot find a database whose path contains "?", "#" or "%" and a number: ${refused.path}`,
    { fix: 'Move the data folder to a path without them.' },
  )
}
