import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import type { AppDatabase, Queries } from '../database/index.ts'
import { authorOfPost, commentsOfPost, createComment } from '../models/comments.ts'
import { found } from '../models/errors.ts'
import { shown } from '../models/kept.ts'
import { createPost, findPost, postsFrom } from '../models/posts.ts'
import { findUser } from '../models/users.ts'
import { writingsOf } from '../views/kept.tsx'
import { PostList, PostPage, PostsPage } from '../views/posts.tsx'
import { UserPage } from '../views/users.tsx'
import type { AppContext, AppEnvironment } from '../web/environment.ts'
import { page } from '../web/page.ts'
import { actions, mixes, pick, type Action } from './mixes.ts'
import { randomId, randomRow } from './random-rows.ts'
import { requestHeaders } from './request-headers.ts'

/**
 * `POST /benchmarking/*`: the routes by which the talks measured the app. They act for a random user, without signing in, so
 * they exist only when LOREM_NEWS_BENCHMARKING=1. Each request writes at least once: first that the user was seen, in a
 * transaction of its own, then its action. A row that has vanished in between is a 404.
 */
export function benchmarkingRoutes(database: AppDatabase) {
  const routes = new Hono<AppEnvironment>()
  const perform = async (context: AppContext, action: Action) =>
    performers[action](context, database, await seeRandomUser(database.queries))

  for (const action of actions) routes.post(`/benchmarking/${action}`, (context) => perform(context, action))
  for (const [name, mix] of Object.entries(mixes)) {
    routes.post(`/benchmarking/${name}`, (context) => perform(context, pick(mix)))
  }
  return routes
}

async function seeRandomUser(queries: Queries): Promise<number> {
  const id = await randomRow(queries, 'users')
  await queries.updateTable('users').set({ last_seen_at: Date.now() }).where('id', '=', id).execute()
  return id
}

const performers: Record<
  Action,
  (context: AppContext, database: AppDatabase, userId: number) => Promise<Response>
> = {
  async post_create(context, database, userId) {
    const post = { title: `Post ${randomUUID()}`, description: requestHeaders, tags: [] }
    return context.redirect(`/posts/${await createPost(database, userId, post)}`)
  },

  async comment_create(context, database, userId) {
    const postId = await randomRow(database.queries, 'posts')
    const id = await createComment(database, postId, userId, `Comment ${randomUUID()}`)
    return context.redirect(`/posts/${postId}#comment_${id}`)
  },

  async post_destroy(context, database) {
    const id = await randomRow(database.queries, 'posts')
    await destroyPost(database, id)
    return context.redirect('/posts')
  },

  async comment_destroy(context, database) {
    const id = await randomRow(database.queries, 'comments')
    return context.redirect(`/posts/${await destroyComment(database, id)}`)
  },

  async post_show(context, { queries }) {
    const post = await findPost(queries, await randomRow(queries, 'posts'))
    const comments = await commentsOfPost(queries, post.id)
    return page(context, <PostPage post={post} comments={comments} session={undefined} />)
  },

  async posts_index(context, { queries }) {
    const posts = await postsFrom(queries, await randomId(queries, 'posts'))
    const list = <PostList posts={posts} session={undefined} />
    return page(context, <PostsPage list={list} session={undefined} />)
  },

  async user_show(context, database, userId) {
    const user = await findUser(database.queries, userId)
    const wrote = await writingsOf(database, userId)
    return page(context, <UserPage {...{ user, ...wrote, sessions: [], session: undefined }} />)
  },
}

const destroyPost = ({ queries, kept, live }: AppDatabase, id: number) =>
  queries.transaction().execute(async (transaction) => {
    const author = await authorOfPost(transaction, id)
    await transaction.deleteFrom('posts').where('id', '=', id).execute()
    await kept.changed(shown.front, shown.by(author), shown.titles)
    await live.postRemoved(id)
  })

const destroyComment = ({ queries, kept, live }: AppDatabase, id: number) =>
  queries.transaction().execute(async (transaction) => {
    const comment = await transaction
      .selectFrom('comments')
      .select(['post_id', 'user_id'])
      .where('id', '=', id)
      .executeTakeFirst()
    await transaction.deleteFrom('comments').where('id', '=', id).execute()
    const { post_id, user_id } = found(comment)
    const postAuthor = await authorOfPost(transaction, post_id)
    await kept.changed(shown.front, shown.by(user_id), shown.by(postAuthor))
    await live.commentRemoved(post_id, id)
    return post_id
  })
