import type { SideBySide } from '../database/index.ts'
import { selectColumns, selectObjects, selectTables } from './sql.ts'

/** One of the three databases that are compared: the default branch, the branch, and the branch as it began. */
export type Side = 'main' | 'branch' | 'ancestor'

/** A table that both branches have. */
export interface Table {
  name: string
  /** Columns of the primary key, in its order; empty when there is none. */
  key: string[]
  /** All columns that both have and that hold values of their own: generated ones do not. */
  columns: string[]
  /** Those of them that the ancestor has as well; empty when it has not the table. */
  known: string[]
}

/** A table, index, view or trigger that only one of the branches has, or that differs. */
export interface SchemaChange {
  type: string
  name: string
  /** As seen from the default branch. */
  change: 'added' | 'removed' | 'changed'
}

/** The tables of the app that both branches have. Those of handcar, of Litestream and of virtual tables are not merged. */
export function sharedTables(files: SideBySide): Table[] {
  const names = (side: Side): string[] =>
    files.all<{ name: string }>(selectTables, [side]).map(({ name }) => name)
  const inMain = new Set(names('main'))
  return names('branch')
    .filter((name) => inMain.has(name))
    .map((name) => describeTable(files, name))
}

interface Column {
  name: string
  pk: number
}

function describeTable(files: SideBySide, name: string): Table {
  const columnsOf = (side: Side): Column[] => files.all<Column>(selectColumns, [name, side])
  const inMain = new Set(columnsOf('main').map((each) => each.name))
  const inAncestor = new Set(columnsOf('ancestor').map((each) => each.name))
  const shared = columnsOf('branch').filter((each) => inMain.has(each.name))
  const key = shared.filter(({ pk }) => pk > 0).toSorted((one, other) => one.pk - other.pk)
  const columns = shared.map((each) => each.name)
  return {
    name,
    key: key.map((each) => each.name),
    columns,
    known: columns.filter((each) => inAncestor.has(each)),
  }
}

interface SchemaObject {
  type: string
  name: string
  sql: string
}

/** What differs between the schemas of both branches. White space does not count. */
export function schemaChanges(files: SideBySide): SchemaChange[] {
  const objects = (side: Side): Map<string, SchemaObject> =>
    new Map(files.all<SchemaObject>(selectObjects(side)).map((each) => [`${each.type} ${each.name}`, each]))
  const [main, branch] = [objects('main'), objects('branch')]
  const keys = [...new Set([...main.keys(), ...branch.keys()])]
  return keys.flatMap((key): SchemaChange[] => {
    const [before, after] = [main.get(key), branch.get(key)]
    const { type, name } = (before ?? after)!
    if (before && after && plain(before.sql) === plain(after.sql)) return []
    return [
      { type, name, change: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed' },
    ]
  })
}

const plain = (sql: string): string => sql.replaceAll(/\s+/g, ' ').trim()
