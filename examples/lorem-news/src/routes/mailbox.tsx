import type { Jobs } from 'handcar/jobs'
import { Hono } from 'hono'
import type { Queries } from '../database/index.ts'
import { dailyDigest } from '../jobs/index.ts'
import { newestDigests } from '../models/digests.ts'
import { newestMails } from '../models/mails.ts'
import { MailboxPage } from '../views/mailbox.tsx'
import type { AppEnvironment } from '../web/environment.ts'
import { page } from '../web/page.ts'

/** For development: what the site has sent, to whomever. */
export function mailboxRoutes(queries: Queries, jobs: Jobs) {
  const routes = new Hono<AppEnvironment>()

  routes.get('/mailbox', async (context) => {
    const mails = await newestMails(queries)
    const digests = await newestDigests(queries)
    return page(context, <MailboxPage {...{ mails, digests }} session={context.var.session} />)
  })

  routes.post('/mailbox/digests', async (context) => {
    const day = new Date().toISOString().slice(0, 10)
    await jobs.enqueue(dailyDigest, { day }, { unique: { key: day, while: 'unfinished' } })
    await jobs.drain(undefined, { timeout: '5s' }).catch(() => {})
    return context.redirect('/mailbox', 303)
  })

  return routes
}
