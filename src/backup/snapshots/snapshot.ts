/** Why a snapshot was made: by hand, before migrations, before a branch was merged, or nobody knows. */
export type SnapshotReason = 'manual' | 'migration' | 'merge' | 'unknown'

/** A copy of the whole database as it was at one moment. */
export interface Snapshot {
  name: string
  /** Absolute path of the copy: an SQLite file without a WAL. */
  path: string
  /** Everything that was acknowledged before this moment is in it; in milliseconds since 1970. */
  createdAt: number
  reason: SnapshotReason
  /** What it was made before, say: the migrations, or what its maker has noted. */
  note?: string
  bytes: number
  /** SHA-256 of the file, in hexadecimal; `undefined` for a file that was laid there by somebody else. */
  checksum?: string
  /** The newest migration of each owner that is applied in it. */
  migrations: Readonly<Record<string, string>>
  /** How many rows refer to a row that is not there; in the database as well. */
  foreignKeyViolations: number
}

/** A snapshot that was made just now. */
export interface NewSnapshot extends Snapshot {
  /** How long it took, with all checks, in milliseconds. */
  duration: number
}
