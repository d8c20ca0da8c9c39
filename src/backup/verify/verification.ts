import type { Database } from '../../database/index.ts'
import { selectNewestChecks, selectTables } from './sql.ts'

/**
 * `verified`: what was restored is whole and has what the database has. `failed`: it is damaged, or has something else.
 * `inconclusive`: nothing could be found out; the reason says why.
 */
export type Verdict = 'verified' | 'failed' | 'inconclusive'

/** What a verification has found about one replica of one database. */
export interface Verification {
  database: string
  /** Name of the replica. */
  replica: string
  /** Where it is, for people. */
  address: string
  verdict: Verdict
  /** Why it is not verified; `null` when it is. */
  reason: string | null
  /** When it began, in milliseconds since 1970. */
  beganAt: number
  /** Milliseconds. */
  duration: number
  /** Milliseconds from the commit of the marker until it was found restorable; `null` when it never was. */
  restorableAfter: number | null
  /** Of the restored file. */
  bytes: number | null
  /** Rows of the tables whose content is compared. */
  rows: number | null
  /** How many of them did not change meanwhile and so were compared. */
  compared: number | null
  /** Version of Litestream. */
  litestream: string | null
}

/** What is known of one replica of one database. */
export interface VerifiedReplica {
  database: string
  replica: string
  /** The newest verification. */
  last: Verification
  /** The newest one that has found something out; `undefined` when none has. */
  lastConclusive: Verification | undefined
  /** The newest one that has found it right; `undefined` when none has. */
  lastVerified: Verification | undefined
}

/** Where verifications are read from. */
type Reader = Pick<Database, 'get' | 'all'>

interface Row extends Omit<Verification, 'beganAt' | 'restorableAfter'> {
  id: number
  began_at: number
  restorable_after: number | null
}

/**
 * What verifications have found about each replica, the newest first. None where the tables have not been made.
 *
 * A replica that has been taken out of the configuration is still in it.
 */
export function lastVerifications(database: Reader): VerifiedReplica[] {
  if (database.get(selectTables) === undefined) return []
  const found = new Map<string, VerifiedReplica>()
  for (const check of database.all<Row>(selectNewestChecks).map(toVerification)) {
    const { database: name, replica, verdict } = check
    const key = `${name} ${replica}`
    const known = found.get(key) ?? {
      database: name,
      replica,
      last: check,
      lastConclusive: undefined,
      lastVerified: undefined,
    }
    found.set(key, known)
    if (verdict !== 'inconclusive') known.lastConclusive ??= check
    if (verdict === 'verified') known.lastVerified ??= check
  }
  return [...found.values()]
}

/**
 * Whether the backup of a database can be relied upon, as far as it is known: `'failed'` while the newest conclusive verification of
 * any of its replicas has failed, `'verified'` when they have all been found right; `undefined` when there is none. A verification that
 * is inconclusive changes nothing.
 */
export function lastVerdict(database: Reader): 'verified' | 'failed' | undefined {
  const verdicts = lastVerifications(database).flatMap(({ lastConclusive }) => lastConclusive?.verdict ?? [])
  if (verdicts.length === 0) return undefined
  return verdicts.includes('failed') ? 'failed' : 'verified'
}

function toVerification({ id: _id, began_at, restorable_after, ...row }: Row): Verification {
  return { ...row, beganAt: began_at, restorableAfter: restorable_after }
}
