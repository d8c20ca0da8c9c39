/** The row is not there (any more): a 404. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError'
}

/** The row belongs to somebody else: a 403. */
export class NotYoursError extends Error {
  override readonly name = 'NotYoursError'
}

/** Messages for the fields of a form, by the field's name. */
export type FieldErrors = Readonly<Record<string, string>>

/** What was sent cannot be saved: a 422, with the form and a message next to each field. */
export class InvalidError extends Error {
  override readonly name = 'InvalidError'
  readonly fields: FieldErrors

  constructor(fields: FieldErrors) {
    super(Object.values(fields).join(' '))
    this.fields = fields
  }
}

/** Gives the row back, or throws {@link NotFoundError}. */
export function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new NotFoundError('There is nothing here (any more).')
  return row
}

/** Gives the row back when it is the owner's, or throws {@link NotFoundError} or {@link NotYoursError}. */
export function owned<Row extends { user_id: number }>(row: Row | undefined, owner: number): Row {
  if (found(row).user_id !== owner) throw new NotYoursError('This belongs to somebody else.')
  return row!
}

/**
 * Runs a write and turns a clash on a unique index into {@link InvalidError}: the index decides who was first, because a
 * check before the write could be outrun by another process.
 */
export async function unlessTaken<Value>(fields: FieldErrors, write: () => Promise<Value>): Promise<Value> {
  try {
    return await write()
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SQLITE_CONSTRAINT_UNIQUE') throw new InvalidError(fields)
    throw error
  }
}
