import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadConfig } from '../app/index.ts'
import type { CommandContext } from './command.ts'

/**
 * The data folder of the app, where its supervisor is found. With a configuration that cannot be read, which must not keep
 * anybody from stopping an app, it is the usual folder, as long as a supervisor has been there.
 *
 * @throws HandcarError `HANDCAR_CONFIG_MISSING`, `HANDCAR_CONFIG_FAILED`; OptionsError
 */
export async function runFolderOf({ folder, output, environment }: CommandContext): Promise<string> {
  try {
    return (await loadConfig(folder)).data
  } catch (error) {
    const usual = resolve(folder, environment.HANDCAR_DATA || 'data')
    if (!existsSync(join(usual, 'handcar.pid'))) throw error
    output.warn(`The configuration cannot be read (${(error as Error).message}); looking in ${usual}.`)
    return usual
  }
}
