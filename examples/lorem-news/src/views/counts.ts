import { html } from 'hono/html'
import { counted } from './words.ts'

/** What is counted of a post, wherever it is shown: the same for everybody, so that it can be put into pages that are open. */
export const counts = (post: { id: number; comments_count: number; votes_count: number }) =>
  html`<span class="counts" data-counts="${post.id}">
    <a href="/posts/${post.id}#comments">${counted(post.comments_count, 'comment')}</a>
    <span>${counted(post.votes_count, 'vote')}</span>
  </span>`
