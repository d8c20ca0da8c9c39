import type { Queries } from '../database/index.ts'
import { found, owned } from './errors.ts'

/** A comment under its post. */
export type ListedComment = Awaited<ReturnType<typeof commentsOfPost>>[number]

/** A comment on its author's page, with the title of its post. */
export type CommentOfUser = Awaited<ReturnType<typeof commentsOfUser>>[number]

/** All comments on a post, newest first, with their authors' names. */
export const commentsOfPost = (queries: Queries, postId: number) =>
  queries
    .selectFrom('comments')
    .innerJoin('users', 'users.id', 'comments.user_id')
    .select(['comments.id', 'comments.user_id', 'comments.body', 'comments.created_at', 'users.screen_name'])
    .where('comments.post_id', '=', postId)
    .orderBy('comments.created_at', 'desc')
    .orderBy('comments.id', 'desc')
    .execute()

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
  queries: Queries,
  postId: number,
  author: number,
  body: string,
  now = Date.now(),
) =>
  queries.transaction().execute(async (transaction) => {
    found(await transaction.selectFrom('posts').select('id').where('id', '=', postId).executeTakeFirst())
    const row = { post_id: postId, user_id: author, body, created_at: now, updated_at: now }
    const comment = await transaction
      .insertInto('comments')
      .values(row)
      .returning('id')
      .executeTakeFirstOrThrow()
    return comment.id
  })

/** Changes a comment of its owner and gives the post's id. Throws NotFoundError, NotYoursError. */
export const updateComment = (queries: Queries, id: number, owner: number, body: string, now = Date.now()) =>
  queries.transaction().execute(async (transaction) => {
    const comment = await findOwnComment(transaction, id, owner)
    await transaction.updateTable('comments').set({ body, updated_at: now }).where('id', '=', id).execute()
    return comment.post_id
  })

/** Deletes a comment of its owner and gives the post's id. Throws NotFoundError, NotYoursError. */
export const deleteOwnComment = (queries: Queries, id: number, owner: number) =>
  queries.transaction().execute(async (transaction) => {
    const comment = await findOwnComment(transaction, id, owner)
    await transaction.deleteFrom('comments').where('id', '=', id).execute()
    return comment.post_id
  })
