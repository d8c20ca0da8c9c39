import type { AppDatabase, Queries } from '../database/index.ts'
import { shown } from './kept.ts'
import { authorOfPost } from './comments.ts'

/** What changing a vote needs of the site. */
export interface VotingSite {
  queries: Queries
  kept: Pick<AppDatabase['kept'], 'changed'>
  live: Pick<AppDatabase['live'], 'countsChanged'>
}

/** Whether somebody is for a post. */
export async function isForPost(queries: Queries, postId: number, userId: number): Promise<boolean> {
  const vote = await queries
    .selectFrom('votes')
    .select('user_id')
    .where('post_id', '=', postId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return vote !== undefined
}

/** Lets somebody be for a post, or not any more; what is so already stays so. Throws NotFoundError. */
export const vote = (
  { queries, kept, live }: VotingSite,
  postId: number,
  userId: number,
  isFor: boolean,
  now = Date.now(),
) =>
  queries.transaction().execute(async (transaction) => {
    await authorOfPost(transaction, postId)
    if ((await isForPost(transaction, postId, userId)) === isFor) return
    const row = { post_id: postId, user_id: userId }
    if (isFor)
      await transaction
        .insertInto('votes')
        .values({ ...row, created_at: now })
        .execute()
    else
      await transaction
        .deleteFrom('votes')
        .where('post_id', '=', postId)
        .where('user_id', '=', userId)
        .execute()
    await kept.changed(shown.front)
    await live.countsChanged(postId)
  })
