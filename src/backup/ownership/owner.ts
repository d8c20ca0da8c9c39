import { HandcarError } from '../../core/index.ts'
import { ownerName } from './store.ts'

/** Who writes to a replica, as it stands beside it. Times in milliseconds since 1970. */
export interface Owner {
  /** New with each claim. */
  token: string
  host: string
  /** The data folder. */
  folder: string
  claimedAt: number
  /** When it ended in good order; `undefined` while it runs, or when it did not. */
  releasedAt?: number
}

/** How an owner is written down. */
export const printOwner = (owner: Owner): string => `${JSON.stringify(owner, undefined, 2)}\n`

/**
 * Reads who owns a replica.
 *
 * @throws HandcarError `HANDCAR_REPLICA_OWNED` when that cannot be told: somebody does, or did
 */
export function parseOwner(text: string, address: string): Owner {
  try {
    const { token, host, folder, claimedAt, releasedAt } = JSON.parse(text) as Partial<Owner>
    if (typeof token === 'string' && typeof claimedAt === 'number')
      return {
        token,
        host: String(host),
        folder: String(folder),
        claimedAt,
        ...(typeof releasedAt === 'number' && { releasedAt }),
      }
  } catch {
    // Told below.
  }
  const got = text.trim() === '' ? 'nothing' : text.trim().slice(0, 40)
  throw new HandcarError(
    'HANDCAR_REPLICA_OWNED',
    `Expected the owner of the replica in ${address}/${ownerName}, got ${got}`,
  )
}

/** Another machine writes to the replica, or may. */
export function stillOwned({ host, folder, claimedAt }: Owner, address: string): HandcarError {
  return new HandcarError(
    'HANDCAR_REPLICA_OWNED',
    `${address} belongs to ${folder} on ${host}, which claimed it at ${timeOf(claimedAt)} and has not let go`,
    { details: { host, folder, claimedAt } },
  )
}

/** Another machine has written to the replica since this data folder did. */
export function ownedSince({ host, folder, claimedAt }: Owner, address: string): HandcarError {
  return new HandcarError(
    'HANDCAR_REPLICA_OWNED',
    `${address} was written from ${folder} on ${host} since, so that the database here is older than its backup (claimed there at ${timeOf(claimedAt)})`,
    {
      fix: 'Get what was written there: `handcar restore`. To go on with the database that is here, give its backup another place.',
      details: { host, folder, claimedAt },
    },
  )
}

const timeOf = (time: number): string => new Date(time).toISOString()
