import { defineJob, defineRecurring } from 'handcar/jobs'
import { kysely } from 'handcar/kysely'
import { z } from 'zod'
import type { Schema } from '../database/schema.ts'
import { readersOfDigest, saveDigest } from '../models/digests.ts'
import { deliverMail } from '../models/mails.ts'
import { postsOfDay } from '../models/posts.ts'

/** `2026-11-20`, in UTC. */
const day = z.iso.date()

/**
 * Begins the digest of a day: a mail to everybody who has an account and did not write all of the day's posts, and when all mails
 * are out the summary. The workflow and the end of this job are one commit, so a day has one digest, whatever dies in between.
 */
export const dailyDigest = defineJob({
  name: 'daily-digest',
  schema: z.object({ day }),
  async perform({ day }, job) {
    const readers = await readersOfDigest(kysely<Schema>(job.database), day)
    await job.complete(async () => {
      await job.jobs.workflow({ name: `digest of ${day}` }, (flow) => {
        const mails = readers.map((userId) => flow.add(`mail to ${userId}`, digestMail, { day, userId }))
        flow.add('summary', digestSummary, { day }, { dependsOn: mails, ifNeedsFail: 'run' })
      })
    })
  },
})

/** Tells one reader what the others have written. */
export const digestMail = defineJob({
  name: 'digest-mail',
  queue: 'mail',
  schema: z.object({ day, userId: z.number().int() }),
  async perform({ day, userId }, job) {
    const queries = kysely<Schema>(job.database)
    const posts = await postsOfDay(queries, day, userId)
    if (posts.length === 0) return { wasSent: false }
    const lines = posts.map(({ title, screen_name }) => `${title}, by ${screen_name}`)
    return await job.step('deliver', async ({ key }) => {
      const wasSent = await deliverMail(queries, {
        userId,
        key,
        subject: `Lorem News of ${day}`,
        body: lines.join('\n\n'),
      })
      return { wasSent }
    })
  },
})

/** Writes down what became of a digest. */
export const digestSummary = defineJob({
  name: 'digest-summary',
  schema: z.object({ day }),
  async perform({ day }, job) {
    const results = await job.batch!.results(digestMail)
    const mails = results.filter(({ wasSent }) => wasSent).length
    return await job.complete(() => saveDigest(kysely<Schema>(job.database), day, mails))
  },
})

/** When the digest of the day before is sent. */
export const everyMorning = defineRecurring({
  name: 'daily-digest-every-morning',
  job: dailyDigest,
  cron: '0 6 * * *',
  timeZone: 'Europe/Berlin',
  payload: ({ at }) => ({ day: new Date(at.getTime() - 86_400_000).toISOString().slice(0, 10) }),
})
