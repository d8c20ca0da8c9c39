import { html } from 'hono/html'
import type { ListedDigest } from '../models/digests.ts'
import type { ListedMail } from '../models/mails.ts'
import type { CurrentSession } from '../models/sessions.ts'
import { Layout } from './layout.tsx'
import { Prose, Time } from './pieces.tsx'
import { counted } from './words.ts'

/** Every mail that the site has sent, the newest first, and its digests. */
export const MailboxPage = (props: {
  mails: readonly ListedMail[]
  digests: readonly ListedDigest[]
  session: CurrentSession | undefined
}) => (
  <Layout title="Mailbox" session={props.session}>
    <h1>Mailbox</h1>
    <p>What the site has sent. This page exists in development only.</p>
    <section aria-labelledby="digests">
      <h2 id="digests">Digests</h2>
      <ul>{props.digests.map(digestItem)}</ul>
      <form method="post" action="/mailbox/digests">
        <button class="button">Send the digest of today</button>
      </form>
    </section>
    <section aria-labelledby="mails">
      <h2 id="mails">The last mails</h2>
      <ol class="posts">{props.mails.map(mailItem)}</ol>
    </section>
  </Layout>
)

const digestItem = ({ day, posts, mails }: ListedDigest) =>
  html`<li>${day}: ${counted(posts, 'post')}, sent to ${counted(mails, 'reader')}</li>`

const mailItem = (mail: ListedMail) =>
  html` <li class="post box">
    <h3>${mail.subject}</h3>
    <p class="meta">
      <span>to <a href="/users/${mail.user_id}">${mail.screen_name}</a></span>
      ${Time({ at: mail.created_at })}
    </p>
    ${Prose({ text: mail.body })}
  </li>`
