import { defineJob, discard } from 'handcar/jobs'
import { kysely } from 'handcar/kysely'
import { z } from 'zod'
import type { Schema } from '../database/schema.ts'
import { deliverMail } from '../models/mails.ts'

/** Greets somebody who has signed up. It is enqueued in the transaction that makes the account, so neither is there alone. */
export const welcomeMail = defineJob({
  name: 'welcome-mail',
  queue: 'mail',
  schema: z.object({ userId: z.number().int() }),
  async perform({ userId }, job) {
    const queries = kysely<Schema>(job.database)
    const user = await queries
      .selectFrom('users')
      .select('screen_name')
      .where('id', '=', userId)
      .executeTakeFirst()
    if (!user) return discard('the account is gone')
    // The key of a step stays the same however often the job is tried: what mail services call an idempotency key.
    return await job.step('deliver', ({ key }) =>
      deliverMail(queries, {
        userId,
        key,
        subject: `Welcome to Lorem News, ${user.screen_name}`,
        body: 'Your account is ready. Write something, or tell the others what you think of what they wrote.',
      }),
    )
  },
})
