import type { Fragment } from 'handcar/realtime'
import type { Queries } from '../database/index.ts'
import { counts } from '../views/counts.ts'
import { htmlOf } from '../views/html-of.ts'
import { counted } from '../views/words.ts'

/** What pages show differently when something of a post is counted anew; nothing when the post is gone. */
export async function countsOf(queries: Queries, postId: number): Promise<Fragment[]> {
  const post = await queries
    .selectFrom('posts')
    .select(['id', 'comments_count', 'votes_count'])
    .where('id', '=', postId)
    .executeTakeFirst()
  if (!post) return []
  const heading = counted(post.comments_count, 'comment')
  return [
    { target: `[data-counts="${postId}"]`, action: 'replace', html: await htmlOf(counts(post)) },
    { target: `[data-comments="${postId}"]`, action: 'update', html: heading },
  ]
}
