import { existsSync } from 'node:fs'
import { HandcarError } from '../core/index.ts'
import { JobDefinition, RecurringDefinition, type AnyJobDefinition } from '../jobs/index.ts'
import type { JobsConfig } from './config.ts'
import { importModule } from './import-module.ts'

/**
 * Imports the module of the app's jobs and gives the definitions that it exports, alone or in lists. What it throws passes
 * through. Without a module there are none.
 *
 * @throws HandcarError `HANDCAR_JOBS_INVALID` when there is no such file
 */
export async function importJobs({
  definitions: file,
}: JobsConfig): Promise<(AnyJobDefinition | RecurringDefinition)[]> {
  if (file === undefined) return []
  if (!existsSync(file)) throw new HandcarError('HANDCAR_JOBS_INVALID', `There is no file ${file}`)
  const exported = Object.values(await importModule(file))
  return [...new Set(exported.flat())].filter(isDefinition)
}

function isDefinition(value: unknown): value is AnyJobDefinition | RecurringDefinition {
  return value instanceof JobDefinition || value instanceof RecurringDefinition
}
