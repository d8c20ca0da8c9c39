import type { Queries } from '../database/index.ts'

/** A mail to be delivered. */
export interface Mail {
  userId: number
  /** Says which mail it is: one with a key that was there already is not delivered again. */
  key: string
  subject: string
  body: string
}

/** A mail in the mailbox. */
export type ListedMail = Awaited<ReturnType<typeof newestMails>>[number]

/** Delivers a mail, and says whether it is there now; it is not when its reader is gone. */
export async function deliverMail(
  queries: Queries,
  { userId, key, subject, body }: Mail,
  now = Date.now(),
): Promise<boolean> {
  await queries
    .insertInto('mails')
    .columns(['user_id', 'key', 'subject', 'body', 'created_at'])
    .expression((builder) =>
      builder
        .selectFrom('users')
        .where('id', '=', userId)
        .select((of) => [
          'id',
          of.val(key).as('key'),
          of.val(subject).as('subject'),
          of.val(body).as('body'),
          of.val(now).as('created_at'),
        ]),
    )
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
  const mail = await queries.selectFrom('mails').select('id').where('key', '=', key).executeTakeFirst()
  return mail !== undefined
}

/** The newest mails, to anybody. */
export const newestMails = (queries: Queries, limit = 50) =>
  queries
    .selectFrom('mails')
    .innerJoin('users', 'users.id', 'mails.user_id')
    .select(['mails.id', 'mails.user_id', 'mails.subject', 'mails.body', 'mails.created_at'])
    .select('users.screen_name')
    .orderBy('mails.created_at', 'desc')
    .orderBy('mails.id', 'desc')
    .limit(limit)
    .execute()
