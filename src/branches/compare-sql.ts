import { planTable } from './sql.ts'
import type { Side, Table } from './tables.ts'

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** The statements that compare one table; see `merge-plan.ts` for what they decide. */
export function comparing(table: Table) {
  const { key, columns, known } = table
  const from = (side: Side): string => `${side}.${quote(table.name)}`
  const all = (parts: string[]): string => (parts.length === 0 ? '1' : parts.join(' and '))
  const sameKey = (one: string, other: string): string =>
    all(key.map((column) => `${one}.${quote(column)} is ${other}.${quote(column)}`))
  const same = (one: string, other: string, names = columns): string =>
    all(names.map((column) => sameValue(`${one}.${quote(column)}`, `${other}.${quote(column)}`)))
  const hasAncestor = key.every((column) => known.includes(column))
  const inAncestor = (alias: string, condition = '1'): string =>
    hasAncestor
      ? `exists (select 1 from ${from('ancestor')} a where ${sameKey('a', alias)} and ${condition})`
      : '0'
  const isOld = (alias: string): string => inAncestor(alias, same('a', alias, known))
  const newColumns = columns.filter((column) => !known.includes(column))
  const keyOf = (alias: string): string => key.map((column) => `${alias}.${quote(column)}`).join(', ')
  const fill = (action: string, alias: string, rest: string): string =>
    `insert into ${planTable} select * from (select ${action} as action, ${keyOf(alias)} from ${rest}) where action is not null`
  const keyColumns = key.map((_, index) => `k${index}`)
  const planned = (alias: string): string =>
    all(key.map((column, index) => `${alias}.${quote(column)} is p.k${index}`))
  const names = columns.map(quote).join(', ')

  return {
    createPlan: `create temp table ${planTable.replace('temp.', '')} (action text, ${keyColumns.join(', ')})`,
    fill: [
      fill(
        `case when not ${inAncestor('b')} then 'insert' when not ${isOld('b')} then 'changed here, deleted there' end`,
        'b',
        `${from('branch')} b where not exists (select 1 from ${from('main')} m where ${sameKey('m', 'b')})`,
      ),
      fill(
        `case when ${isOld('m')} then 'delete' when ${inAncestor('m')} then 'deleted here, changed there' end`,
        'm',
        `${from('main')} m where not exists (select 1 from ${from('branch')} b where ${sameKey('b', 'm')})`,
      ),
      fill(
        `case when not ${inAncestor('b')} then 'added on both'
          when not ${same('m', 'b', newColumns)} then 'changed on both'
          when ${isOld('m')} then 'update'
          when not ${isOld('b')} then 'changed on both' end`,
        'b',
        `${from('branch')} b join ${from('main')} m on ${sameKey('m', 'b')} where not (${same('m', 'b')})`,
      ),
    ],
    selectConflicts: `select p.*, ${columns
      .map(
        (column, index) =>
          `not (${sameValue(`b.${quote(column)}`, `m.${quote(column)}`)}) and b.k and m.k as differs${index}`,
      )
      .join(', ')}
      from ${planTable} p
      left join (select *, 1 as k from ${from('branch')}) b on ${planned('b')}
      left join (select *, 1 as k from ${from('main')}) m on ${planned('m')}
      where p.action not in ('insert', 'update', 'delete')`,
    /** Duplicates in a table without a key are told apart by their number only. */
    selectChanged:
      known.length === 0
        ? `select exists (select 1 from ${from('branch')}) as changed`
        : `select (select count(*) from ${from('branch')}) <> (select count(*) from ${from('ancestor')})
            or exists (select ${known.map(quote).join(', ')} from ${from('branch')} except select ${known.map(quote).join(', ')} from ${from('ancestor')})
            or exists (select ${known.map(quote).join(', ')} from ${from('ancestor')} except select ${known.map(quote).join(', ')} from ${from('branch')}) as changed`,
    apply: {
      delete: `delete from ${from('main')} as m where exists (select 1 from ${planTable} p where ${planned('m')} and p.action in (select value from json_each(?)))`,
      update: `update ${from('main')} as m set (${names}) = (select ${names} from ${from('branch')} b where ${sameKey('b', 'm')})
        where exists (select 1 from ${planTable} p where ${planned('m')} and p.action in (select value from json_each(?)))`,
      insert: `insert into ${from('main')} (${names}) select ${names} from ${from('branch')} b
        where exists (select 1 from ${planTable} p where ${planned('b')} and p.action in (select value from json_each(?)))`,
    },
  }
}

const sameValue = (one: string, other: string): string =>
  `(${one} is ${other} collate binary and typeof(${one}) = typeof(${other}))`
