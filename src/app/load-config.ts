import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { HandcarError } from '../core/index.ts'
import {
  announceEnvironment,
  currentEnvironment,
  loadEnvironmentFile,
  type Config,
  type Environment,
} from './config.ts'
import { realFolder } from './real-folder.ts'
import { importModule } from './import-module.ts'
import { findApp, resolveConfig, type ResolvedConfig, type ResolveOptions } from './resolve-config.ts'

const configFiles = ['handcar.config.ts', 'handcar.config.js', 'handcar.config.mjs']

/** How a configuration is loaded. */
export interface LoadOptions extends Pick<ResolveOptions, 'defaultEnvironment'> {
  /** Variables that win over those of the environment. Default: none. */
  overrides?: Environment
}

/**
 * Loads the configuration of the app in a folder: sets the variables of its `.env` (those that are set already win), imports its
 * `handcar.config.ts`, and fills in what it leaves out. Sets NODE_ENV when it is not set.
 *
 * @throws HandcarError `HANDCAR_CONFIG_MISSING` when there is neither a configuration nor an app; `HANDCAR_CONFIG_FAILED` when it
 * throws; OptionsError
 */
export async function loadConfig(folder: string, options: LoadOptions = {}): Promise<ResolvedConfig> {
  const real = realFolder(folder)
  loadEnvironmentFile(join(real, '.env'))
  const file = configFiles.map((name) => join(real, name)).find((path) => existsSync(path))
  if (file === undefined && findApp(real) === undefined) throw missing(folder)
  const config = resolveConfig(file === undefined ? {} : await importConfig(file), {
    folder: real,
    file,
    environment: { ...currentEnvironment(), ...options.overrides },
    ...(options.defaultEnvironment && { defaultEnvironment: options.defaultEnvironment }),
  })
  announceEnvironment(config.environment)
  return config
}

function missing(folder: string): HandcarError {
  return new HandcarError(
    'HANDCAR_CONFIG_MISSING',
    `Expected handcar.config.ts, or an app in src/app.ts, in ${folder}; found neither`,
  )
}

async function importConfig(file: string): Promise<Config> {
  const module = await importModule(file).catch((cause: unknown) => {
    throw new HandcarError('HANDCAR_CONFIG_FAILED', `${file} failed: ${String(cause)}`, { cause })
  })
  if (module.default !== undefined) return module.default as Config
  throw new HandcarError('HANDCAR_CONFIG_FAILED', `${file} has no default export`, {
    fix: 'Write `export default defineConfig({ … })`.',
  })
}
