import type { AppDatabase, Queries } from '../database/index.ts'
import { found, owned } from './errors.ts'
import { shown } from './kept.ts'

/** A comment under its post. */
export type ListedComment = Awaited<ReturnType<typeof commentsOfPost>>[number]

/** A comment on its author's page, with the title of its post. */
export type CommentOfUser = Awaited<ReturnType<typeof commentsOfUser>>[number]

/** All comments on a post, newest first, with their authors' names. */
export const commentsOfPost = (queries: Queries, postId: number) =>
  listedComments(queries)
    .where('comments.post_id', '=', postId)
    .orderBy('comments.created_at', 'desc')
    .orderBy('comments.id', 'desc')
    .execute()

/** One of them. */
export const listedComment = (queries: Queries, id: number) =>
  listedComments(queries).where('comments.id', '=', id).executeTakeFirstOrThrow()

const listedComments = (queries: Queries) =>
  queries
    .selectFrom('comments')
    .innerJoin('users', 'users.id', 'comments.user_id')
    .select(['comments.id', 'comments.user_id', 'comments.body', 'comments.created_at', 'users.screen_name'])

/** All comments of a user, newest first, with the titles of their posts. */
export const commentsOfUser = (queries: Queries, userId: number) =>
  queries
    .selectFrom('comments')
    .innerJoin('posts', 'posts.id', 'comments.post_id')
    .select(['comments.id', 'comments.post_id', 'comments.body', 'comments.created_at', 'posts.title'])
    .where('comments.user_id', '=', userId)
    .orderBy('comments.created_at', 'desc')
    .orderBy('comments.id', 'desc')
    .execute()

/** One comment, for its owner to change. Throws NotFoundError, NotYoursError. */
export const findOwnComment = async (queries: Queries, id: number, owner: number) =>
  owned(await queries.selectFrom('comments').selectAll().where('id', '=', id).executeTakeFirst(), owner)

/** Saves a new comment and gives its id. Throws NotFoundError when the post has vanished. */
export const createComment = (
  { queries, kept, live }: AppDatabase,
  postId: number,
  author: number,
  body: string,
) =>
  queries.transaction().execute(async (transaction) => {
    const postAuthor = await authorOfPost(transaction, postId)
    // Not before it is its turn: comments are listed in the order in which they were committed.
    const now = Date.now()
    const row = { post_id: postId, user_id: author, body, created_at: now, updated_at: now }
    const comment = await transaction
      .insertInto('comments')
      .values(row)
      .returning('id')
      .executeTakeFirstOrThrow()
    await kept.changed(shown.front, shown.by(author), shown.by(postAuthor))
    await live.commentAdded(postId, comment.id)
    return comment.id
  })

/** Changes a comment of its owner and gives the post's id. Throws NotFoundError, NotYoursError. */
export const updateComment = (
  { queries, kept, live }: AppDatabase,
  id: number,
  owner: number,
  body: string,
  now = Date.now(),
) =>
  queries.transaction().execute(async (transaction) => {
    const comment = await findOwnComment(transaction, id, owner)
    await transaction.updateTable('comments').set({ body, updated_at: now }).where('id', '=', id).execute()
    await kept.changed(shown.by(owner))
    await live.commentChanged(comment.post_id, id)
    return comment.post_id
  })

/** Deletes a comment of its owner and gives the post's id. Throws NotFoundError, NotYoursError. */
export const deleteOwnComment = ({ queries, kept, live }: AppDatabase, id: number, owner: number) =>
  queries.transaction().execute(async (transaction) => {
    const comment = await findOwnComment(transaction, id, owner)
    await transaction.deleteFrom('comments').where('id', '=', id).execute()
    const postAuthor = await authorOfPost(transaction, comment.post_id)
    await kept.changed(shown.front, shown.by(owner), shown.by(postAuthor))
    await live.commentRemoved(comment.post_id, id)
    return comment.post_id
  })

/** Who wrote a post. Throws NotFoundError. */
export async function authorOfPost(queries: Queries, id: number): Promise<number> {
  const post = await queries.selectFrom('posts').select('user_id').where('id', '=', id).executeTakeFirst()
  return found(post).user_id
}
