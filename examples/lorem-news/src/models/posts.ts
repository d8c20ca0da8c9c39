import type { AppDatabase, Queries } from '../database/index.ts'
import { found, InvalidError, owned, unlessTaken } from './errors.ts'
import { shown } from './kept.ts'

/** What a person writes into a post. */
export interface PostFields {
  title: string
  description: string
  tags: readonly string[]
}

/** A post in a list. */
export type ListedPost = Awaited<ReturnType<typeof newestPosts>>[number]

/** A post with its author's name, as its page shows it. */
export type ShownPost = Awaited<ReturnType<typeof findPost>>

/** The newest posts, with their authors' names: one query however many there are. */
export const newestPosts = (queries: Queries, limit = 50) =>
  listedPosts(queries).orderBy('posts.created_at', 'desc').orderBy('posts.id', 'desc').limit(limit).execute()

/** Posts from an id upwards: what the talks' benchmark lists. */
export const postsFrom = (queries: Queries, id: number, limit = 100) =>
  listedPosts(queries).where('posts.id', '>=', id).orderBy('posts.id').limit(limit).execute()

const listedPosts = (queries: Queries) =>
  queries
    .selectFrom('posts')
    .innerJoin('users', 'users.id', 'posts.user_id')
    .select([
      'posts.id',
      'posts.title',
      'posts.tags',
      'posts.comments_count',
      'posts.votes_count',
      'posts.created_at',
      'posts.user_id',
    ])
    .select('users.screen_name')

/** Everything that a user wrote, newest first. */
export const postsOfUser = (queries: Queries, userId: number) =>
  queries
    .selectFrom('posts')
    .select(['id', 'title', 'comments_count', 'created_at'])
    .where('user_id', '=', userId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()

/** When a day, such as `2026-11-20`, begins and ends in UTC. */
export function boundsOf(day: string): [begin: number, end: number] {
  const begin = Date.parse(`${day}T00:00:00Z`)
  return [begin, begin + 86_400_000]
}

/** The newest posts of a day that somebody else wrote, with their authors' names. */
export function postsOfDay(queries: Queries, day: string, reader: number, limit = 10) {
  const [begin, end] = boundsOf(day)
  return listedPosts(queries)
    .where('posts.created_at', '>=', begin)
    .where('posts.created_at', '<', end)
    .where('posts.user_id', '!=', reader)
    .orderBy('posts.created_at', 'desc')
    .orderBy('posts.id', 'desc')
    .limit(limit)
    .execute()
}

/** One post with its author's name. Throws NotFoundError. */
export async function findPost(queries: Queries, id: number) {
  const post = await queries
    .selectFrom('posts')
    .innerJoin('users', 'users.id', 'posts.user_id')
    .selectAll('posts')
    .select('users.screen_name')
    .where('posts.id', '=', id)
    .executeTakeFirst()
  return found(post)
}

/** The id of the post behind a permanent link. Throws NotFoundError. */
export async function findPostByPublicId(queries: Queries, publicId: string) {
  const post = await queries
    .selectFrom('posts')
    .select('id')
    .where('public_id', '=', publicId)
    .executeTakeFirst()
  return found(post).id
}

/** One post, for its owner to change. Throws NotFoundError, NotYoursError. */
export const findOwnPost = async (queries: Queries, id: number, owner: number) =>
  owned(await queries.selectFrom('posts').selectAll().where('id', '=', id).executeTakeFirst(), owner)

/** Saves a new post and gives its id. Throws InvalidError when the title is taken. */
export function createPost({ queries, kept, live }: AppDatabase, author: number, fields: PostFields) {
  return unlessTaken(titleTaken, () =>
    queries.transaction().execute(async (transaction) => {
      await refuseTakenTitle(transaction, fields.title)
      // Not before it is its turn: posts are listed in the order in which they were committed.
      const now = Date.now()
      const row = {
        ...columnsOf(fields),
        user_id: author,
        published_at: now,
        created_at: now,
        updated_at: now,
      }
      const post = await transaction.insertInto('posts').values(row).returning('id').executeTakeFirstOrThrow()
      await kept.changed(shown.front, shown.by(author))
      await live.postAdded(post.id)
      return post.id
    }),
  )
}

/** Changes a post of its owner. Throws NotFoundError, NotYoursError, InvalidError when the title is taken. */
export function updatePost(
  { queries, kept, live }: AppDatabase,
  id: number,
  owner: number,
  fields: PostFields,
  now = Date.now(),
) {
  return unlessTaken(titleTaken, () =>
    queries.transaction().execute(async (transaction) => {
      await findOwnPost(transaction, id, owner)
      await refuseTakenTitle(transaction, fields.title, id)
      const changes = { ...columnsOf(fields), updated_at: now }
      await transaction.updateTable('posts').set(changes).where('id', '=', id).execute()
      await kept.changed(shown.front, shown.titles)
      await live.postChanged(id)
    }),
  )
}

/** Deletes a post of its owner; the comments go with it. Throws NotFoundError, NotYoursError. */
export const deleteOwnPost = ({ queries, kept, live }: AppDatabase, id: number, owner: number) =>
  queries.transaction().execute(async (transaction) => {
    await findOwnPost(transaction, id, owner)
    await transaction.deleteFrom('posts').where('id', '=', id).execute()
    await kept.changed(shown.front, shown.titles)
    await live.postRemoved(id)
  })

/** The ids of the posts that a user wrote, and of those that they commented. */
export async function tracesOf(queries: Queries, userId: number) {
  const posts = await queries.selectFrom('posts').select('id').where('user_id', '=', userId).execute()
  const comments = await queries
    .selectFrom('comments')
    .select('post_id')
    .where('user_id', '=', userId)
    .execute()
  const commented = new Set(comments.map(({ post_id }) => post_id))
  return { posts: posts.map(({ id }) => id), commented: [...commented] }
}

const titleTaken = { title: 'There is a post with this title already.' }

async function refuseTakenTitle(queries: Queries, title: string, except = 0) {
  const other = await queries.selectFrom('posts').select('id').where('title', '=', title).executeTakeFirst()
  if (other && other.id !== except) throw new InvalidError(titleTaken)
}

const columnsOf = ({ title, description, tags }: PostFields) => ({
  title,
  description,
  tags: JSON.stringify(tags),
})
