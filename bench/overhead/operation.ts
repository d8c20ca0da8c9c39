import { postCount } from './files.ts'

/** Something that is repeated and counted. */
export interface Operation {
  /** `<section>: <what>` */
  readonly name: string
  readonly run: () => unknown
  /** The file that gets one note each time, for the audit; none for a read. */
  readonly writesTo?: string
}

/** The rows of a page. */
export const pageLength = 100

let lastId = 0

/** Walks through the table in steps that are coprime to its length, so that no page is read twice in a row. */
export function nextId(): number {
  lastId = (lastId + 7919) % postCount
  return lastId + 1
}

/** An id after which there is a full page. */
export function nextPage(): number {
  return nextId() % (postCount - pageLength)
}

/** Throws unless the row is the one that was asked for. */
export function checkPost(id: number, row: unknown): void {
  if ((row as { id: number } | undefined)?.id === id) return
  throw new Error(`Asked for post ${id}, got ${JSON.stringify(row)}`)
}

/** Throws unless the page is full. */
export function checkPage(rows: readonly unknown[]): void {
  if (rows.length === pageLength) return
  throw new Error(`Asked for ${pageLength} posts, got ${rows.length}`)
}
