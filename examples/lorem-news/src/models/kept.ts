import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cache, Namespace } from 'handcar/cache'

/** What pages show, by the tag that ends what is kept of them. A write names all that it changes. */
export const shown = {
  /** The newest posts: titles, tags, authors, counts of comments. */
  front: 'front',
  /** Titles of posts where others have them on their pages: under their comments. */
  titles: 'titles',
  /** What a user wrote: posts with their counts of comments, comments. */
  by: (userId: number) => `by:${userId}`,
}

/** A piece of a page. */
export interface Piece {
  html: string
  /** When it would look different although nothing was written: `3 hours ago` becomes `4 hours ago`. */
  changesAt: number
}

/** Another one for other views: a new release must not show pieces of the one before. */
function digestOfViews(folder = join(import.meta.dirname, '../views')): string {
  const digest = createHash('sha256')
  for (const name of readdirSync(folder).toSorted()) digest.update(readFileSync(join(folder, name)))
  return digest.digest('base64url').slice(0, 12)
}

/**
 * Pieces of pages that are kept in handcar's cache until what they show changes. Without a cache nothing is kept: the databases beside
 * which handcar is measured have none.
 */
export class Kept {
  readonly #cache: Cache | undefined
  readonly #pieces: Namespace | undefined

  constructor(cache: Cache | undefined) {
    this.#cache = cache
    this.#pieces = cache?.namespace(`pieces ${digestOfViews()}`)
  }

  /** The piece of a key; it is made when it is not there, or one of the tags has changed since. */
  async piece<Made extends Piece>(
    key: string,
    tags: readonly string[],
    make: () => Promise<Made>,
  ): Promise<Made> {
    if (!this.#pieces) return make()
    return this.#pieces.getOrSet(key, { tags: [...tags] }, async (context) => {
      const piece = await make()
      const left = piece.changesAt - Date.now()
      context.setTtl(left === Infinity ? null : Math.max(1, left))
      return piece
    })
  }

  /** Says, inside the transaction that changes something, what pages will show differently: from its commit on, in all processes. */
  async changed(...tags: string[]): Promise<void> {
    await this.#cache?.invalidate(...tags)
  }
}
