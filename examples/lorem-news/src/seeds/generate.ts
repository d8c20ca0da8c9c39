import { article, paragraph, some, title, word } from './lorem.ts'
import { between, mulberry32 } from './random.ts'

/** The first rows of the site. Ids are counted from 1, in the order of the lists. */
export interface Seeds {
  users: { screenName: string; about: string; createdAt: number }[]
  posts: { userId: number; title: string; description: string; tags: readonly string[]; createdAt: number }[]
  comments: { postId: number; userId: number; body: string; createdAt: number }[]
}

const oneWeek = 7 * 24 * 60 * 60 * 1000

/**
 * Makes 100 users, nearly 1,000 posts (a title that is too short or taken is skipped) and about 10,000 comments, all of them
 * written in the week before `now`. The same `now` makes the same rows on every machine.
 */
export function generateSeeds(now: number): Seeds {
  const random = mulberry32(20_240_412)
  const since = (start: number) => between(random, start, now)

  const users = Array.from({ length: 100 }, (_, index) => ({
    screenName: `${word(random)}_${String(index).padStart(3, '0')}`,
    about: paragraph(random),
    createdAt: since(now - oneWeek),
  }))

  const posts: Seeds['posts'] = []
  const titles = new Set<string>()
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const userId = between(random, 1, users.length)
    const post = {
      userId,
      title: title(random),
      description: article(random),
      tags: [...new Set(some(random, 0, 3, word))].filter((tag) => tag.length > 1),
      createdAt: since(users[userId - 1]!.createdAt),
    }
    if (post.title.length < 5 || titles.has(post.title)) continue
    titles.add(post.title)
    posts.push(post)
  }

  const comments = posts.flatMap((post, index) =>
    Array.from({ length: between(random, 5, 15) }, () => ({
      postId: index + 1,
      userId: between(random, 1, users.length),
      body: paragraph(random),
      createdAt: since(post.createdAt),
    })),
  )
  return { users, posts, comments }
}
