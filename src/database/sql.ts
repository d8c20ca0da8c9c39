/** Every statement that the database part runs on tables of its own or of SQLite's. */

/** What was applied, by whom it belongs to. The checksum tells whether a migration was edited afterwards. */
export const createMigrations = `
  create table if not exists handcar_migrations (
    owner text not null,
    name text not null,
    checksum text not null,
    applied_at integer not null,
    primary key (owner, name)
  ) strict, without rowid`

export const selectMigrations = 'select name, checksum from handcar_migrations where owner = ? order by name'

export const insertMigration =
  'insert into handcar_migrations (owner, name, checksum, applied_at) values (?, ?, ?, ?)'

/** In the order in which they were created, so that a dump can be read back; without SQLite's own and without shadow tables. */
export const selectSchema = `
  select sql from sqlite_schema
  where sql is not null
    and name not like 'sqlite\\_%' escape '\\'
    and tbl_name not in (select name from pragma_table_list where schema = 'main' and type = 'shadow')
  order by rowid`

export const selectAllMigrations =
  'select owner, name, checksum, applied_at from handcar_migrations order by owner, name'

export const selectTable = "select 1 from sqlite_schema where type = 'table' and name = ?"

export const selectMigrationsTable = "select 1 from sqlite_schema where name = 'handcar_migrations'"

/** A constraint that is checked at COMMIT concerns every body that commits with it. */
export const selectDeferredKeys = "select 1 from sqlite_schema where sql like '%initially%deferred%' limit 1"

/** The single row `ok`, or what is wrong. */
export const selectIntegrity = 'select integrity_check from pragma_integrity_check'

export const selectForeignKeyViolations = 'select count(*) as count from pragma_foreign_key_check'

/** The tables whose rows are compared between a database and what was restored of it. */
export const selectContentTables = `
  select name, wr from pragma_table_list
  where schema = 'main' and type in ('table', 'shadow') and name <> 'sqlite_schema'
    and name not like 'sqlite\\_stat%' escape '\\' and name not like '\\_litestream\\_%' escape '\\'
  order by name`

export const selectSchemaOfContent = `
  select type, name, tbl_name, sql from sqlite_schema
  where tbl_name not like 'sqlite\\_stat%' escape '\\' and tbl_name not like '\\_litestream\\_%' escape '\\'
  order by type, name`
