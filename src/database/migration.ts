/** One step of a schema's history. Steps are only ever added at the end. */
export interface Migration {
  /** Sorts and identifies it: `20260401093000_create_posts`. */
  name: string
  /** What it does, in one or more statements. */
  sql: string
}

/** Who owns a list of migrations: the app, or a part of handcar by its name. */
export type MigrationOwner = string

/** The owner of the migrations in the app's folder. */
export const appOwner = 'app'
