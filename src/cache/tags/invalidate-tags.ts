import type { Database } from '../../database/index.ts'
import { checkTag } from '../entries/entry-options.ts'
import { Tags } from './tags.ts'

/**
 * As `cache.invalidate`, for code that has the app's database and no cache, such as a job: ends all entries that have one of the tags, in
 * all processes, at the commit of the transaction in which it is called, or of one of its own.
 *
 * @throws OptionsError `HANDCAR_CACHE_TAG`; what `database.write` throws
 */
export async function invalidateTags(database: Database, ...tags: string[]): Promise<void> {
  tags.forEach(checkTag)
  if (tags.length > 0) await new Tags(database, true).invalidate(tags)
}
