import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import type { Queries } from '../database/index.ts'
import { commentsOfPost, commentsOfUser, createComment } from '../models/comments.ts'
import { found } from '../models/errors.ts'
import { createPost, findPost, postsFrom, postsOfUser } from '../models/posts.ts'
import { findUser } from '../models/users.ts'
import { PostPage, PostsPage } from '../views/posts.tsx'
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
export function benchmarkingRoutes(queries: Queries) {
  const routes = new Hono<AppEnvironment>()
  const perform = async (context: AppContext, action: Action) =>
    performers[action](context, queries, await seeRandomUser(queries))

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
  (context: AppContext, queries: Queries, userId: number) => Promise<Response>
> = {
  async post_create(context, queries, userId) {
    const post = { title: `Post ${randomUUID()}`, description: requestHeaders, tags: [] }
    return context.redirect(`/posts/${await createPost(queries, userId, post)}`)
  },

  async comment_create(context, queries, userId) {
    const postId = await randomRow(queries, 'posts')
    const id = await createComment(queries, postId, userId, `Comment ${randomUUID()}`)
    return context.redirect(`/posts/${postId}#comment_${id}`)
  },

  async post_destroy(context, queries) {
    const id = await randomRow(queries, 'posts')
    await destroyPost(queries, id)
    return context.redirect('/posts')
  },

  async comment_destroy(context, queries) {
    const id = await randomRow(queries, 'comments')
    return context.redirect(`/posts/${await destroyComment(queries, id)}`)
  },

  async post_show(context, queries) {
    const post = await findPost(queries, await randomRow(queries, 'posts'))
    const comments = await commentsOfPost(queries, post.id)
    return page(context, <PostPage post={post} comments={comments} session={undefined} />)
  },

  async posts_index(context, queries) {
    const posts = await postsFrom(queries, await randomId(queries, 'posts'))
    return page(context, <PostsPage posts={posts} session={undefined} />)
  },

  async user_show(context, queries, userId) {
    const user = await findUser(queries, userId)
    const posts = await postsOfUser(queries, userId)
    const comments = await commentsOfUser(queries, userId)
    return page(context, <UserPage {...{ user, posts, comments, sessions: [], session: undefined }} />)
  },
}

const destroyPost = (queries: Queries, id: number) =>
  queries.transaction().execute(async (transaction) => {
    found(await transaction.selectFrom('posts').select('id').where('id', '=', id).executeTakeFirst())
    await transaction.deleteFrom('posts').where('id', '=', id).execute()
  })

const destroyComment = (queries: Queries, id: number) =>
  queries.transaction().execute(async (transaction) => {
    const comment = await transaction
      .selectFrom('comments')
      .select('post_id')
      .where('id', '=', id)
      .executeTakeFirst()
    await transaction.deleteFrom('comments').where('id', '=', id).execute()
    return found(comment).post_id
  })
