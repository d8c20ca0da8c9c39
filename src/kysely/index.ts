export { kysely, type KyselyOptions } from './kysely.ts'
export { schemaTypes } from './schema-types.ts'
