import { option } from '../core/index.ts'
import type { SqlParameter, SqlParameters } from './parameters.ts'

/**
 * SQL text with its values apart. Made by {@link sql}; a `Query` inside another one is inlined with its values.
 */
export class Query {
  /** The text, with `?` for each value. */
  readonly text: string
  /** The values, in the order of their `?`. */
  readonly parameters: readonly SqlParameter[]

  constructor(text: string, parameters: readonly SqlParameter[]) {
    this.text = text
    this.parameters = parameters
  }
}

const none: SqlParameters = []
const plainTexts = new WeakMap<TemplateStringsArray, string>()

/**
 * Writes SQL with values in place: `` sql`select * from posts where id = ${id}` ``. A value becomes a bound parameter
 * and never text, so no value can change the statement. Another `` sql`…` `` may stand where a value does.
 */
export function sql(strings: TemplateStringsArray, ...values: readonly (SqlParameter | Query)[]): Query {
  if (values.some((value) => value instanceof Query)) return compose(strings, values)
  let text = plainTexts.get(strings)
  if (text === undefined) plainTexts.set(strings, (text = strings.join('?')))
  return new Query(text, values as SqlParameter[])
}

/** Makes `?, ?, ?` of a list of values, for `` sql`… where id in (${sql.list(ids)})` ``; an empty list matches nothing. */
sql.list = (values: readonly SqlParameter[]): Query =>
  new Query(values.length ? values.map(() => '?').join(', ') : 'null', values)

function compose(strings: TemplateStringsArray, values: readonly (SqlParameter | Query)[]): Query {
  let text = strings[0]!
  const parameters: SqlParameter[] = []
  values.forEach((value, index) => {
    const part = value instanceof Query ? value : new Query('?', [value])
    text += part.text + strings[index + 1]!
    parameters.push(...part.parameters)
  })
  return new Query(text, parameters)
}

/** What every method that runs SQL accepts: `` sql`…` ``, or a text with its parameters as the next argument. */
export type QueryInput = Query | string

/** The text of a query. */
export function textOf(query: QueryInput): string {
  if (typeof query === 'string') return query
  if (query instanceof Query) return query.text
  throw option.invalidOption('query', 'a text or sql`…`', query)
}

/** The parameters of a query, whichever way it was given. */
export const parametersOf = (query: QueryInput, parameters: SqlParameters | undefined): SqlParameters =>
  query instanceof Query ? query.parameters : (parameters ?? none)
