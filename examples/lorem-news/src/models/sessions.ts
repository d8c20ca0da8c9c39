import { createHash, randomBytes } from 'node:crypto'
import type { AppDatabase, Queries } from '../database/index.ts'

/** Who is signed in. */
export type CurrentSession = NonNullable<Awaited<ReturnType<typeof findSession>>>

/** A session on its user's own page. */
export type ListedSession = Awaited<ReturnType<typeof sessionsOfUser>>[number]

/** Where a session was begun. */
export interface SessionOrigin {
  userAgent: string
  ipAddress: string
}

const hashOf = (token: string) => createHash('sha256').update(token).digest()

/** Signs a user in and gives the token for the cookie. */
export async function startSession(
  queries: Queries,
  userId: number,
  origin: SessionOrigin,
  now = Date.now(),
) {
  const token = randomBytes(32).toString('base64url')
  const where = { user_agent: origin.userAgent.slice(0, 500), ip_address: origin.ipAddress.slice(0, 100) }
  const row = {
    user_id: userId,
    token_hash: hashOf(token),
    ...where,
    last_seen_at: now,
    created_at: now,
    updated_at: now,
  }
  await queries.insertInto('sessions').values(row).execute()
  return token
}

/** The session and the user behind a token, or undefined. */
export const findSession = (queries: Queries, token: string) =>
  queries
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['sessions.id', 'sessions.user_id', 'sessions.last_seen_at', 'users.screen_name'])
    .where('sessions.token_hash', '=', hashOf(token))
    .executeTakeFirst()

/** Notes that a session is in use, at most once a minute: reading a page should rarely write. */
export async function touchSession(queries: Queries, session: CurrentSession, now = Date.now()) {
  if (now - session.last_seen_at < 60_000) return
  const seen = { last_seen_at: now }
  await queries.transaction().execute(async (transaction) => {
    await transaction.updateTable('sessions').set(seen).where('id', '=', session.id).execute()
    await transaction.updateTable('users').set(seen).where('id', '=', session.user_id).execute()
  })
}

/** Where a user is signed in, most recently used first. */
export const sessionsOfUser = (queries: Queries, userId: number) =>
  queries
    .selectFrom('sessions')
    .select(['id', 'user_agent', 'ip_address', 'last_seen_at', 'created_at'])
    .where('user_id', '=', userId)
    .orderBy('last_seen_at', 'desc')
    .execute()

/** Ends one session of a user; tells whether there was one. */
export const endSession = ({ queries, live }: AppDatabase, id: number, userId: number) =>
  queries.transaction().execute(async (transaction) => {
    const { numDeletedRows } = await transaction
      .deleteFrom('sessions')
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .executeTakeFirst()
    if (numDeletedRows === 0n) return false
    await live.signedOut(userId)
    return true
  })
