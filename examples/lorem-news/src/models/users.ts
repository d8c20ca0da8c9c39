import type { AppDatabase, Queries } from '../database/index.ts'
import { found, unlessTaken } from './errors.ts'
import { shown } from './kept.ts'
import { hashPassword, isPassword } from './passwords.ts'
import { tracesOf } from './posts.ts'

/** What a person tells about themselves. An empty password leaves it as it is. */
export interface UserFields {
  screen_name: string
  about: string
  password: string
}

/** A user, as the pages show one. */
export type ShownUser = Awaited<ReturnType<typeof findUser>>

/** One user, without the password's digest. Throws NotFoundError. */
export async function findUser(queries: Queries, id: number) {
  const user = await queries
    .selectFrom('users')
    .select(['id', 'screen_name', 'about', 'posts_count', 'created_at'])
    .where('id', '=', id)
    .executeTakeFirst()
  return found(user)
}

/** The user with this name and this password, or undefined; it takes as long when there is no such user. */
export async function authenticate(queries: Queries, screenName: string, password: string) {
  const user = await queries
    .selectFrom('users')
    .select(['id', 'screen_name', 'password_digest'])
    .where('screen_name', '=', screenName)
    .executeTakeFirst()
  const matches = await isPassword(password, user?.password_digest)
  return matches ? user : undefined
}

/**
 * Saves a new user and gives the id. Throws InvalidError when the name is taken.
 *
 * @param welcome Called in the same transaction, with the id: what it enqueues is there when the user is, and only then.
 */
export async function createUser(
  queries: Queries,
  fields: UserFields,
  welcome: (userId: number) => Promise<unknown> = async () => {},
  now = Date.now(),
) {
  const password_digest = await hashPassword(fields.password)
  const { screen_name, about } = fields
  const row = { screen_name, about, password_digest, created_at: now, updated_at: now }
  return unlessTaken(nameTaken, () =>
    queries.transaction().execute(async (transaction) => {
      const user = await transaction.insertInto('users').values(row).returning('id').executeTakeFirstOrThrow()
      await welcome(user.id)
      return user.id
    }),
  )
}

/**
 * Changes a user; a new password ends every other session. The password is hashed before the transaction begins, because a
 * transaction waits for nothing but the database. Throws InvalidError when the name is taken.
 */
export async function updateUser(
  { queries, kept, live }: AppDatabase,
  id: number,
  fields: UserFields,
  session: number,
  now = Date.now(),
) {
  const { screen_name, about, password } = fields
  const digest = password ? { password_digest: await hashPassword(password) } : {}
  const changes = { screen_name, about, ...digest, updated_at: now }
  await unlessTaken(nameTaken, () =>
    queries.transaction().execute(async (transaction) => {
      const { screen_name: before } = await findUser(transaction, id)
      await transaction.updateTable('users').set(changes).where('id', '=', id).execute()
      await kept.changed(shown.front)
      if (screen_name !== before) await live.userRenamed(id, screen_name, await tracesOf(transaction, id))
      if (!password) return
      await live.signedOut(id)
      await transaction.deleteFrom('sessions').where('user_id', '=', id).where('id', '!=', session).execute()
    }),
  )
}

/** Deletes a user; posts, comments and sessions go with them. */
export const deleteUser = ({ queries, kept, live }: AppDatabase, id: number) =>
  queries.transaction().execute(async (transaction) => {
    const traces = await tracesOf(transaction, id)
    const votes = await transaction.selectFrom('votes').select('post_id').where('user_id', '=', id).execute()
    await transaction.deleteFrom('users').where('id', '=', id).execute()
    await kept.changed(shown.front, shown.titles)
    await live.userRemoved(id, traces)
    for (const { post_id } of votes) await live.countsChanged(post_id)
    await live.signedOut(id)
  })

const nameTaken = { screen_name: 'Somebody has this name already.' }
