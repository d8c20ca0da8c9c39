import { error, ok, type Check } from './finding.ts'

const shownTables = 5

/** Rows that point at nothing. */
export const foreignKeys: Check = {
  name: 'foreign keys',
  async run({ inspector }) {
    if (inspector === undefined) return []
    const broken = await inspector.all<{ table: string; parent: string; rows: number }>(
      'select "table", parent, count(*) as rows from pragma_foreign_key_check group by "table", parent order by rows desc',
      '60s',
    )
    if (broken.length === 0) return [ok('no row points at nothing')]
    return broken.slice(0, shownTables).map(({ table, parent, rows }) =>
      error({
        what: `${table} has ${rows === 1 ? 'a row' : `${rows} rows`} that point${rows === 1 ? 's' : ''} at nothing in ${parent}`,
        why: 'SQLite checks foreign keys only for connections that ask for it: another program, or an import, did not.',
        fix: `Find them with: select * from pragma_foreign_key_check('${table}'); then delete or repoint them in a migration.`,
      }),
    )
  },
}
