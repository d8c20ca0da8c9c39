import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Inspector } from '../../database/index.ts'
import { ok, warning, type Check } from './finding.ts'

const migrationEnding = '_index_foreign_keys.sql'

/** Foreign keys that no index serves. */
export const foreignKeyIndexes: Check = {
  name: 'key indexes',
  async run({ inspector, migrationsFolder }) {
    if (inspector === undefined) return []
    const keys = await readKeys(inspector)
    const missing = keys.filter(({ isIndexed }) => !isIndexed)
    if (missing.length === 0) return [ok(`no foreign key is without an index (${keys.length} in all)`)]
    const statements = missing.map(createIndex)
    return [
      warning({
        what: `without an index, of ${keys.length} in all: ${missing.map(name).join(', ')}`,
        why: 'Deleting or updating a row of the parent then reads the whole table of its children, and so does joining them.',
        fix: `Put into a migration:\n${statements.join('\n')}`,
        canFix: async () => writeMigration(migrationsFolder, statements),
      }),
    ]
  },
}

interface Key {
  table: string
  columns: string[]
  isIndexed: boolean
}

const name = ({ table, columns }: Key): string => `${table} (${columns.join(', ')})`
const quoted = (word: string): string =>
  /^[a-z_]\w*$/i.test(word) ? word : `"${word.replaceAll('"', '""')}"`

function createIndex({ table, columns }: Key): string {
  const index = `${table}_by_${columns.join('_and_')}`
  return `create index ${quoted(index)} on ${quoted(table)} (${columns.map(quoted).join(', ')});`
}

/**
 * The keys of the app's own tables. A key is served by an index that begins with its columns, in any order, and by the primary
 * key of a rowid table.
 */
async function readKeys(inspector: Inspector): Promise<Key[]> {
  const keys = await inspector.all<{ table: string; columns: string }>(`
    select name as "table", json_group_array("from" order by seq) as columns
    from (select s.name, k.id, k.seq, k."from" from sqlite_schema s, pragma_foreign_key_list(s.name) k
      where s.type = 'table' and s.name not glob 'handcar_*')
    group by name, id order by name, id`)
  const indexes = await inspector.all<{ table: string; columns: string }>(`
    select s.name as "table", json_group_array(c.name order by c.seqno) as columns
    from sqlite_schema s, pragma_index_list(s.name) i, pragma_index_info(i.name) c
    where s.type = 'table' and not i.partial group by s.name, i.name
    union all
    select s.name, json_array(t.name) from sqlite_schema s, pragma_table_info(s.name) t
    where s.type = 'table' and t.pk = 1 and upper(t.type) = 'INTEGER'`)
  return keys.map(({ table, columns: text }) => {
    const columns = JSON.parse(text) as string[]
    const own = indexes.filter((index) => index.table === table)
    const beginnings = own.map((index) => (JSON.parse(index.columns) as string[]).slice(0, columns.length))
    const isIndexed = beginnings.some((beginning) => columns.every((column) => beginning.includes(column)))
    return { table, columns, isIndexed }
  })
}

/** The schema changes by migrations only, so that every copy of the app gets the same one. */
async function writeMigration(folder: string | undefined, statements: string[]): Promise<string> {
  if (folder === undefined) return 'wrote no migration: the app has no folder of migrations'
  const earlier = readdirSync(folder).find((file) => file.endsWith(migrationEnding))
  if (earlier) return `wrote no second migration: ${join(folder, earlier)} is waiting for \`handcar migrate\``
  const timestamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)
  const path = join(folder, `${timestamp}${migrationEnding}`)
  writeFileSync(
    path,
    `-- Indexes for foreign keys, found missing by handcar doctor.\n${statements.join('\n')}\n`,
    {
      flag: 'wx',
    },
  )
  return `wrote ${path}; apply it with \`handcar migrate\``
}
