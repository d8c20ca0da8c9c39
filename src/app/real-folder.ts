import { realpathSync } from 'node:fs'
import { HandcarError } from '../core/index.ts'

/**
 * Where the path of an app's folder leads at this moment.
 *
 * @throws HandcarError `HANDCAR_CONFIG_MISSING`
 */
export function realFolder(folder: string): string {
  try {
    return realpathSync(folder)
  } catch (cause) {
    throw new HandcarError('HANDCAR_CONFIG_MISSING', `There is no folder ${folder}`, {
      cause,
      fix: 'Correct the path.',
    })
  }
}
