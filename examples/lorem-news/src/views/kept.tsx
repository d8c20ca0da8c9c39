import { raw } from 'hono/html'
import type { AppDatabase } from '../database/index.ts'
import { commentsOfUser } from '../models/comments.ts'
import { shown } from '../models/kept.ts'
import { newestPosts, postsOfUser } from '../models/posts.ts'
import type { CurrentSession } from '../models/sessions.ts'
import { htmlOf } from './html-of.ts'
import { agesChangeAt } from './pieces.tsx'
import { PostList } from './posts.tsx'
import { Writings } from './users.tsx'

/**
 * The list of the front page, and where it goes on. A kept list has the position at which it was read: whatever is published to the front
 * page after it ends what is kept, in the same commit, so a list that is still there lacks nothing.
 *
 * It is kept for all but the authors of what is in it, who find buttons at their own posts.
 */
export async function frontList(
  { queries, kept, live: pages }: AppDatabase,
  session: CurrentSession | undefined,
) {
  const read = () => pages.read('front', async () => ({ posts: await newestPosts(queries) }))
  const { html, authors, live } = await kept.piece(`front ${pages.epoch}`, [shown.front], async () => {
    const { posts, live } = await read()
    return {
      html: await htmlOf(<PostList posts={posts} session={undefined} />),
      authors: [...new Set(posts.map(({ user_id }) => user_id))],
      changesAt: agesChangeAt(posts),
      live,
    }
  })
  if (!session || !authors.includes(session.user_id)) return { list: raw(html), live }
  const own = await read()
  return { list: <PostList posts={own.posts} session={session} />, live: own.live }
}

/** What a user wrote, and how many comments that are. */
export async function writingsOf({ queries, kept }: AppDatabase, userId: number) {
  const tags = [shown.by(userId), shown.titles]
  const { html, comments } = await kept.piece(`writings of ${userId}`, tags, async () => {
    const posts = await postsOfUser(queries, userId)
    const comments = await commentsOfUser(queries, userId)
    return {
      html: await htmlOf(<Writings posts={posts} comments={comments} />),
      comments: comments.length,
      changesAt: Math.min(agesChangeAt(posts), agesChangeAt(comments)),
    }
  })
  return { writings: raw(html), comments }
}
