import { NotFoundError } from '../models/errors.ts'

/** The id in the path of a request. Throws NotFoundError for a number that no row can have. */
export function idOf(context: { req: { param(name: 'id'): string } }): number {
  const id = Number(context.req.param('id'))
  if (!Number.isSafeInteger(id)) throw new NotFoundError('There is nothing here.')
  return id
}
