import { raw } from 'hono/html'
import type { JSX } from 'hono/jsx/jsx-runtime'
import type { AppDatabase } from '../database/index.ts'
import { commentsOfUser } from '../models/comments.ts'
import { shown } from '../models/kept.ts'
import { newestPosts, postsOfUser } from '../models/posts.ts'
import type { CurrentSession } from '../models/sessions.ts'
import { agesChangeAt } from './pieces.tsx'
import { PostList } from './posts.tsx'
import { Writings } from './users.tsx'

/** What Hono calls a string is a tree until it is asked for its text. */
const htmlOf = async (content: JSX.Element): Promise<string> => (await content).toString()

/** The list of the front page. It is kept for all but the authors of what is in it, who find buttons at their own posts. */
export async function frontList({ queries, kept }: AppDatabase, session: CurrentSession | undefined) {
  const { html, authors } = await kept.piece('front', [shown.front], async () => {
    const posts = await newestPosts(queries)
    return {
      html: await htmlOf(<PostList posts={posts} session={undefined} />),
      authors: [...new Set(posts.map(({ user_id }) => user_id))],
      changesAt: agesChangeAt(posts),
    }
  })
  if (!session || !authors.includes(session.user_id)) return raw(html)
  return <PostList posts={await newestPosts(queries)} session={session} />
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
