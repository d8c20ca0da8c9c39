import { InvalidError } from '../models/errors.ts'
import type { PostFields } from '../models/posts.ts'
import type { UserFields } from '../models/users.ts'

/** A form as it arrived. */
export type FormBody = Readonly<Record<string, unknown>>

/** A text field, without what nobody can see: outer blanks, control characters, Windows line ends. */
export function text(body: FormBody, name: string): string {
  const value = body[name]
  if (typeof value !== 'string') return ''
  return value.replaceAll('\r\n', '\n').replace(invisible, '').trim()
}

// eslint-disable-next-line no-control-regex
const invisible = /[\u0000-\u0008\u000b-\u001f\u007f]/g

/** A password, exactly as it was typed. */
export const secret = (body: FormBody, name: string): string =>
  typeof body[name] === 'string' ? body[name] : ''

/** The tags of a form: `news, sqlite` as typed by a person. */
const tagsOf = (typed: string): string[] => [
  ...new Set(
    typed
      .toLowerCase()
      .split(',')
      .map((tag) => tag.trim())
      .filter(Boolean),
  ),
]

/** Checks a post. Throws InvalidError with a message for each field that is wrong. */
export function postFields(body: FormBody): PostFields {
  const fields = {
    title: text(body, 'title'),
    description: text(body, 'description'),
    tags: tagsOf(text(body, 'tags')),
  }
  refuse({
    title: outside(fields.title, 5, 200, 'The title'),
    description: outside(fields.description, 5, 50_000, 'The text'),
    tags: wrongTags(fields.tags),
  })
  return fields
}

/** Checks a comment. Throws InvalidError. */
export function commentBody(body: FormBody): string {
  const comment = text(body, 'body')
  refuse({ body: outside(comment, 5, 10_000, 'The comment') })
  return comment
}

/** Checks a profile; only a new user must choose a password. Throws InvalidError. */
export function userFields(body: FormBody, { isNew }: { isNew: boolean }): UserFields {
  const password = secret(body, 'password')
  const fields = { screen_name: text(body, 'screen_name'), about: text(body, 'about'), password }
  refuse({
    screen_name: wrongName(fields.screen_name),
    about: outside(fields.about, 0, 5_000, 'The text'),
    password: password || isNew ? outside(password, 8, 200, 'The password') : undefined,
  })
  return fields
}

function refuse(problems: Record<string, string | undefined>): void {
  const wrong = Object.entries(problems).filter(
    (problem): problem is [string, string] => problem[1] !== undefined,
  )
  if (wrong.length > 0) throw new InvalidError(Object.fromEntries(wrong))
}

/** Counts characters as SQLite's `length()` does, so that the forms and the tables agree. */
function outside(value: string, least: number, most: number, what: string): string | undefined {
  const length = Array.from(value).length
  if (length === 0 && least > 0) return `${what} is missing.`
  if (length < least) return `${what} needs at least ${least} characters; this has ${length}.`
  if (length > most) return `${what} may have at most ${most} characters; this has ${length}.`
  return undefined
}

function wrongName(name: string): string | undefined {
  const problem = outside(name, 3, 30, 'The name')
  if (problem) return problem
  return /^\w+$/.test(name)
    ? undefined
    : 'The name may have letters from a to z, digits and underscores only.'
}

function wrongTags(tags: readonly string[]): string | undefined {
  if (tags.length > 5) return `At most five tags; these are ${tags.length}.`
  const wrong = tags.find((tag) => !/^[\p{Letter}\p{Number}-]{2,20}$/u.test(tag))
  return wrong && `A tag has 2 to 20 letters, digits or hyphens; “${wrong}” does not.`
}
