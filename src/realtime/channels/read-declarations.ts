import {
  isStandardSchema,
  option,
  readOptions,
  type OptionReader,
  type StandardSchema,
} from '../../core/index.ts'

const type = /^[a-z_][\w.-]{0,63}$/i

/**
 * Reads what is declared by type of message: a schema alone, or `{ schema, … }` with more options.
 *
 * @param more Readers of the options beside the schema.
 */
export function readDeclarations<More extends Record<string, OptionReader<unknown>>>(
  value: unknown,
  name: string,
  more: More,
): ReadonlyMap<
  string,
  { readonly schema: StandardSchema } & { readonly [K in keyof More]: ReturnType<More[K]> }
> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw option.invalidOption(name, 'an object of schemas by type of message', value)
  const schema = option.matching('a Standard Schema (Zod, Valibot, ArkType, …)', isStandardSchema)
  const expected = `a Standard Schema (Zod, Valibot, ArkType, …), or { ${['schema', ...Object.keys(more)].join(', ')} }`
  const declarations = new Map()
  for (const [key, declared] of Object.entries(value)) {
    if (!type.test(key)) throw option.invalidOption(`${name}, a type`, 'a word of at most 64 letters', key)
    const given: unknown = isStandardSchema(declared) ? { schema: declared } : declared
    if (typeof given !== 'object' || given === null || !('schema' in given))
      throw option.invalidOption(`${name} "${key}"`, expected, given)
    declarations.set(key, readOptions(`${name} "${key}"`, given, { schema, ...more }))
  }
  return declarations
}
