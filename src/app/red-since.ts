import { lastVerifications } from '../backup/index.ts'
import type { Logger } from '../core/index.ts'
import { openToRead } from './open-to-read.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/**
 * Until when the backup of an app was known to be right, in milliseconds since 1970, while it is known not to be any more; `undefined` when
 * nothing is known against it, or nothing can be found out.
 */
export async function redSince(
  config: Pick<ResolvedConfig, 'database'>,
  logger?: Logger,
): Promise<number | undefined> {
  try {
    await using database = await openToRead(config, logger)
    const times = lastVerifications(database ?? nothing).flatMap(({ lastConclusive, lastVerified }) =>
      lastConclusive?.verdict === 'failed' ? [(lastVerified ?? lastConclusive).beganAt] : [],
    )
    return times.length === 0 ? undefined : Math.min(...times)
  } catch (error) {
    // A database that cannot be read is no reason to keep the disk full.
    logger?.warn({ error: String(error) }, 'what is known of the backup could not be read')
    return undefined
  }
}

const nothing = { get: () => undefined, all: () => [] }
