import { accessSync, constants, realpathSync, statfsSync } from 'node:fs'
import { HandcarError, makeFolder } from '../core/index.ts'
import { fileSystemOf } from '../database/index.ts'
import { currentEnvironment, type Environment } from './config.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/**
 * Makes sure that the data folder can keep what is written to it: creates it when it is missing, and in production refuses a
 * file system that lives in memory or in the writable layer of a container, unless HANDCAR_ALLOW_VOLATILE_DATA is 1.
 *
 * @returns its real path
 * @throws HandcarError `HANDCAR_DATA_FOLDER`, `HANDCAR_DATA_VOLATILE`
 */
export function prepareDataFolder(
  { data, environment }: Pick<ResolvedConfig, 'data' | 'environment'>,
  variables: Environment = currentEnvironment(),
): string {
  const folder = makeDataFolder(data)
  const system = fileSystemOf(statfsSync(folder).type)
  const isVolatile = system?.kind === 'memory' || system?.kind === 'layered'
  if (environment === 'production' && isVolatile && variables['HANDCAR_ALLOW_VOLATILE_DATA'] !== '1') {
    throw new HandcarError(
      'HANDCAR_DATA_VOLATILE',
      `The data folder ${folder} lies on ${system.name}, which does not survive a restart`,
      { details: { folder, fileSystem: system.name } },
    )
  }
  return folder
}

function makeDataFolder(folder: string): string {
  try {
    makeFolder(folder)
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return realpathSync(folder)
  } catch (cause) {
    throw new HandcarError(
      'HANDCAR_DATA_FOLDER',
      `Expected a data folder that this process can write, got ${folder}: ${String(cause)}`,
      { cause, details: { folder } },
    )
  }
}
