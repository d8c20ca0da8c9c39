import type { ResolvedConfig } from '../../app/index.ts'
import { HandcarError } from '../../core/index.ts'

/** @throws HandcarError `HANDCAR_BACKUP_OFF` where the app makes no backup */
export function assertWanted({ backup, environment }: ResolvedConfig): void {
  if (backup.replicas.length === 0)
    throw new HandcarError('HANDCAR_BACKUP_OFF', 'Expected a replica in backup.replicas, got none')
  if (environment !== 'production')
    throw new HandcarError(
      'HANDCAR_BACKUP_OFF',
      `The app runs as "${environment}", and only production is backed up`,
      { fix: 'Set NODE_ENV=production to look at the backup of the production.' },
    )
}
