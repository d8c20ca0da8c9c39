/**
 * What every library of schemas that follows https://standardschema.dev exports (Zod, Valibot, ArkType, …), as far as it
 * is needed here.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (
      value: unknown,
    ) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a schema says about a value: the value that it has become, or what is wrong with it. */
export type StandardSchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardSchemaIssue[] }

/** One thing that is wrong with a value. */
export interface StandardSchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema takes. */
export type InputOf<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['input']
/** What a schema makes of it. */
export type OutputOf<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output']

/** Tells what is wrong with a value and where: `user.name: expected a string; age: too small`. */
export function describeIssues(issues: readonly StandardSchemaIssue[]): string {
  return issues
    .map(({ message, path = [] }) => {
      const keys = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment))
      return keys.length > 0 ? `${keys.join('.')}: ${message}` : message
    })
    .join('; ')
}

/** Whether a value is a schema. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  const standard = (value as Partial<StandardSchema> | null | undefined)?.['~standard']
  return typeof standard?.validate === 'function'
}
