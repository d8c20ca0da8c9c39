import type { Seeds } from './generate.ts'

/** Runs one statement. A transaction of handcar has this method. */
interface Runs {
  run(text: string, parameters: readonly (string | number)[]): unknown
}

/** The password of every seeded user. */
export const seededPassword = 'password'

/** Writes the first rows, inside a transaction of the caller. The counters are kept by triggers. */
export function insertSeeds(
  transaction: Runs,
  { users, posts, comments }: Seeds,
  passwordDigest: string,
): void {
  for (const { screenName, about, createdAt } of users) {
    transaction.run(insertUser, [screenName, passwordDigest, about, createdAt, createdAt])
  }
  for (const { userId, title, description, tags, createdAt } of posts) {
    transaction.run(insertPost, [
      userId,
      title,
      description,
      JSON.stringify(tags),
      createdAt,
      createdAt,
      createdAt,
    ])
  }
  for (const { postId, userId, body, createdAt } of comments) {
    transaction.run(insertComment, [postId, userId, body, createdAt, createdAt])
  }
}

const insertUser = `insert into users (screen_name, password_digest, about, created_at, updated_at) values (?, ?, ?, ?, ?)`

const insertPost = `insert into posts (user_id, title, description, tags, published_at, created_at, updated_at)
  values (?, ?, ?, ?, ?, ?, ?)`

const insertComment = `insert into comments (post_id, user_id, body, created_at, updated_at) values (?, ?, ?, ?, ?)`
