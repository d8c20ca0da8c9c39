/** Every statement that does not depend on the tables which are compared. */

/** Tables of the app: none of SQLite's, of handcar's or of Litestream's, no virtual ones and none behind those. */
export const selectTables = `
  select name from pragma_table_list
  where schema = ? and type = 'table'
    and name not like 'sqlite\\_%' escape '\\'
    and name not like 'handcar\\_%' escape '\\'
    and name not like '\\_litestream\\_%' escape '\\'
  order by name`

/** Without generated columns, which cannot be written. */
export const selectColumns =
  'select name, pk from pragma_table_xinfo(?) where schema = ? and hidden in (0, 1) order by cid'

/** What the app's migrations have made in one of the databases. */
export const selectObjects = (side: string): string => `
  select type, name, sql from ${side}.sqlite_schema
  where sql is not null
    and tbl_name not like 'sqlite\\_%' escape '\\'
    and tbl_name not like 'handcar\\_%' escape '\\'
    and tbl_name not like '\\_litestream\\_%' escape '\\'
  order by type desc, name`

/** Rows of the first database that refer to a row that is not there. */
export const selectViolations = `select "table", rowid, parent from pragma_foreign_key_check(null, 'main')`

/** The table of a connection that says what to do with which row. */
export const planTable = 'temp.handcar_merge_plan'
