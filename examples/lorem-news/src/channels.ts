/** What pages are told while they are open; handcar finds the channels here, and who asks for them. */
import { dirname } from 'node:path'
import { invalidateTags } from 'handcar/cache'
import { kysely } from 'handcar/kysely'
import { type Authenticate, defineChannel, type Fragment, unchecked } from 'handcar/realtime'
import { z } from 'zod'
import type { Schema } from './database/schema.ts'
import { countsOf } from './live/counts.ts'
import { vote } from './models/votes.ts'
import { sessionSecret } from './session-secret.ts'
import { readSettings } from './settings.ts'
import { SessionCookie } from './web/session-cookie.ts'

/** Who is signed in, as the session cookie says; everybody else may listen too. */
export const authenticate: Authenticate = async (request, { database }) => {
  const settings = readSettings(process.env)
  const cookie = new SessionCookie(kysely<Schema>(database), {
    secret: sessionSecret(settings, dirname(database.path)),
    isHttps: settings.origin?.startsWith('https:') ?? false,
  })
  const session = await cookie.sessionOf(request)
  return session && { id: session.user_id }
}

/** HTML for places of the page, all of it or none: what one transaction has changed. */
const messages = { changes: unchecked<readonly Fragment[]>() }

/** The front page. */
export const front = defineChannel({ name: 'front', public: true, messages })

/** The page of a post. Its readers are counted, and those who are signed in can vote. */
export const post = defineChannel({
  name: 'posts/:id',
  params: z.object({ id: z.coerce.number().int().positive() }),
  public: true,
  messages,
  // A text of 50,000 characters, each of which may be six in HTML.
  maxMessage: '512kb',
  // Somebody with several tabs reads once; a browser where nobody is signed in says which one it is.
  presence: { user: ({ id }) => ({ reader: `user ${id}` }) },
  send: {
    /** The answer is `null` for somebody who is not signed in. */
    vote: {
      schema: z.object({ isFor: z.boolean() }),
      result: z.object({ isFor: z.boolean() }).nullable(),
    },
  },
  transactional: true,
  async onMessage({ data: { isFor }, params, user, database, realtime, publish }) {
    if (user === undefined) return null
    const queries = kysely<Schema>(database)
    const kept = { changed: (...tags: string[]) => invalidateTags(database, ...tags) }
    const countsChanged = async (id: number) => {
      const changes = await countsOf(queries, id)
      await publish('changes', changes)
      await realtime.publish(front, {}, 'changes', changes)
    }
    await vote({ queries, kept, live: { countsChanged } }, params.id, Number(user.id), isFor)
    return { isFor }
  },
})
