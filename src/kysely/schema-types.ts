import type { Database } from '../database/index.ts'

interface Table {
  name: string
  type: 'table' | 'view' | 'virtual'
}

interface Column {
  name: string
  /** Declared type. */
  type: string
  notnull: 0 | 1
  dflt_value: string | null
  /** Position in the primary key, from 1; 0 outside it. */
  pk: number
  /** 1: hidden; 2 and 3: computed by the database. */
  hidden: 0 | 1 | 2 | 3
}

const selectTables = `
  select name, type from pragma_table_list
  where schema = 'main' and type in ('table', 'view', 'virtual') and name not like 'sqlite\\_%' escape '\\'
  order by name`

/**
 * Writes the types of a migrated database for Kysely, as a TypeScript file that exports one interface `Schema`.
 *
 * A column with a default, and the integer that is a table's primary key, are `Generated`; a computed one is
 * `GeneratedAlways`. SQLite does not say whether a view's column can be null, so it may be. Tables of handcar's own are left
 * out. Only the columns of `strict` tables are sure to hold what they declare.
 *
 * ```ts
 * await writeFile('src/schema.ts', schemaTypes(database))
 * ```
 */
export function schemaTypes(database: Database): string {
  const tables = database.all<Table>(selectTables).filter(({ name }) => !name.startsWith('handcar_'))
  const body = tables.map((table) => `  ${key(table.name)}: {\n${columnsOf(database, table)}  }\n`).join('')
  const wrappers = ['Generated', 'GeneratedAlways'].filter((wrapper) => body.includes(`${wrapper}<`))
  const imports = wrappers.length > 0 ? `import type { ${wrappers.join(', ')} } from 'kysely'\n\n` : ''
  return `// Written from the database by schemaTypes(). Do not edit.\n${imports}export interface Schema {\n${body}}\n`
}

function columnsOf(database: Database, { name, type }: Table): string {
  const columns = database.all<Column>('select * from pragma_table_xinfo(?) where hidden <> 1', [name])
  const hasSinglePrimaryKey = columns.filter(({ pk }) => pk > 0).length === 1
  return columns
    .map((column) => {
      const isRowid = hasSinglePrimaryKey && column.pk === 1 && column.type.toLowerCase() === 'integer'
      const isNullable = !column.notnull && column.pk === 0 && type !== 'virtual'
      return `    ${key(column.name)}: ${wrapped(column, isRowid, valueType(column.type, isNullable))}\n`
    })
    .join('')
}

function wrapped({ hidden, dflt_value }: Column, isRowid: boolean, type: string): string {
  if (hidden > 1) return `GeneratedAlways<${type}>`
  return isRowid || dflt_value !== null ? `Generated<${type}>` : type
}

function valueType(declared: string, isNullable: boolean): string {
  const type = storedType(declared.toUpperCase())
  return isNullable && type !== 'unknown' ? `${type} | null` : type
}

/** By SQLite's rules of affinity (https://sqlite.org/datatype3.html#determination_of_column_affinity). */
function storedType(type: string): string {
  if (type.includes('INT')) return 'number'
  if (/CHAR|CLOB|TEXT/.test(type)) return 'string'
  if (type.includes('BLOB')) return 'Uint8Array'
  if (/REAL|FLOA|DOUB|NUM|DEC|BOOL|DATE/.test(type)) return 'number'
  return 'unknown'
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
}
