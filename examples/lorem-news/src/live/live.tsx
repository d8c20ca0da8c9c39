import type { Fragment, PositionText, Realtime } from 'handcar/realtime'
import * as channels from '../channels.ts'
import type { Queries } from '../database/index.ts'
import { listedComment } from '../models/comments.ts'
import { findPost } from '../models/posts.ts'
import { commentItem } from '../views/comments.tsx'
import { htmlOf } from '../views/html-of.ts'
import { postItem, Story } from '../views/posts.tsx'
import { countsOf } from './counts.ts'

/** How a page goes on that is open in a browser with JavaScript. */
export interface LivePage {
  /** Name of its channel: `posts/7`. */
  channel: string
  /** What comes after it is not in the page. */
  position: PositionText
}

/** Where a user has written something: ids of posts. */
export interface Traces {
  posts: readonly number[]
  commented: readonly number[]
}

/**
 * Tells the pages that are open what has changed, with the views that make whole pages. Its methods are called inside the transaction
 * that changes something, so that nobody is told what did not happen. Without realtime they do nothing: the databases beside which
 * handcar is measured have none.
 *
 * All readers get the same HTML. It has the buttons of its owner, and the pages of all others leave them out.
 */
export class Live {
  readonly #queries: Queries
  readonly #realtime: Realtime | undefined

  constructor(queries: Queries, realtime: Realtime | undefined) {
    this.#queries = queries
    this.#realtime = realtime
  }

  /** What the positions of kept pages belong to: they mean nothing in a database that was restored. */
  get epoch(): string {
    return this.#realtime?.position().split('.')[0] ?? ''
  }

  /** Reads what a page shows and where it goes on, both of the same moment. */
  read<Rows extends object>(
    channel: string,
    body: () => Promise<Rows>,
  ): Promise<Rows & { live: LivePage | undefined }> {
    const realtime = this.#realtime
    const read = async () => {
      const rows = await body()
      return { ...rows, live: realtime && { channel, position: realtime.position() } }
    }
    if (!realtime) return read()
    return this.#queries.transaction().setAccessMode('read only').execute(read)
  }

  async commentAdded(postId: number, id: number): Promise<void> {
    if (!this.#realtime) return
    const html = await this.#comment(id)
    await this.#counted(postId, { target: '#comment-list', action: 'prepend', html })
  }

  async commentChanged(postId: number, id: number): Promise<void> {
    if (!this.#realtime) return
    const html = await this.#comment(id)
    await this.#tellPost(postId, [{ target: `#comment_${id}`, action: 'replace', html }])
  }

  async commentRemoved(postId: number, id: number): Promise<void> {
    await this.#counted(postId, { target: `#comment_${id}`, action: 'remove' })
  }

  /** Somebody has voted, or some of the comments are gone. */
  async countsChanged(postId: number): Promise<void> {
    await this.#counted(postId)
  }

  async postAdded(id: number): Promise<void> {
    if (!this.#realtime) return
    await this.#tellFront([{ target: '#posts', action: 'prepend', html: await this.#post(id) }])
  }

  async postChanged(id: number): Promise<void> {
    if (!this.#realtime) return
    const html = await htmlOf(<Story post={await findPost(this.#queries, id)} />)
    await this.#tellPost(id, [{ target: '#story', action: 'replace', html }])
    await this.#tellFront([{ target: `#post_${id}`, action: 'replace', html: await this.#post(id) }])
  }

  async postRemoved(id: number): Promise<void> {
    const html = '<p class="box">This post has been deleted. <a href="/">Back to the front page</a></p>'
    await this.#tellPost(id, [{ target: '#content', action: 'update', html }])
    await this.#tellFront([{ target: `#post_${id}`, action: 'remove' }])
  }

  async userRenamed(userId: number, name: string, { posts, commented }: Traces): Promise<void> {
    const html = await htmlOf(<>{name}</>)
    const renamed: Fragment[] = [{ target: `a[href="/users/${userId}"]`, action: 'update', html }]
    for (const id of new Set([...posts, ...commented])) await this.#tellPost(id, renamed)
    if (posts.length > 0) await this.#tellFront(renamed)
  }

  /** Everything that a user wrote is gone. */
  async userRemoved(userId: number, { posts, commented }: Traces): Promise<void> {
    for (const id of posts) await this.postRemoved(id)
    const target = `.comment:has(> summary a[href="/users/${userId}"])`
    for (const id of commented) if (!posts.includes(id)) await this.#counted(id, { target, action: 'remove' })
  }

  /** A session has ended: the pages of its user connect anew, as whoever they are then. */
  async signedOut(userId: number): Promise<void> {
    await this.#realtime?.disconnect({ user: userId, reason: 'A session has ended' })
  }

  /** Comments or votes of a post have changed: in one message of its page, so that it never shows one without the other. */
  async #counted(postId: number, ...changes: Fragment[]): Promise<void> {
    if (!this.#realtime) return
    const counts = await countsOf(this.#queries, postId)
    await this.#tellPost(postId, [...changes, ...counts])
    await this.#tellFront(counts)
  }

  async #tellPost(id: number, changes: readonly Fragment[]): Promise<void> {
    await this.#realtime?.publish(channels.post, { id }, 'changes', changes)
  }

  async #tellFront(changes: readonly Fragment[]): Promise<void> {
    await this.#realtime?.publish(channels.front, {}, 'changes', changes)
  }

  async #comment(id: number): Promise<string> {
    const comment = await listedComment(this.#queries, id)
    return htmlOf(commentItem(comment, comment, { isNew: true }))
  }

  async #post(id: number): Promise<string> {
    const post = await findPost(this.#queries, id)
    return htmlOf(postItem(post, post, { isNew: true }))
  }
}
