import type { Logger } from '../../core/index.ts'
import type { ResolvedReplication } from '../options.ts'
import type { ReplicatedDatabase } from './config.ts'
import type { BackupFolder } from './folder.ts'

/** What somebody has to know and do when Litestream comes and goes. */
export interface LitestreamHost {
  /** It is about to be started, and will checkpoint: nobody else may when this has resolved. */
  begins?: () => Promise<void>
  /** Throws when it must not run now: another machine writes to the replicas. Asked before each start; `signal` breaks it off. */
  claims?: (signal: AbortSignal) => Promise<void>
  /** It has ended, and is started again. */
  pauses?: () => Promise<void>
  /** It has ended for good. */
  ends?: () => Promise<void>
  /** Bytes of the frames that the largest WAL holds. */
  walSize?: () => number
  /** Its process, to be ended when this one dies. */
  watch?: (pid: number) => void
  forget?: (pid: number) => void
}

/** Options of {@link Litestream}. */
export interface LitestreamOptions {
  folder: BackupFolder
  /** The app's folder, where an npm package may have Litestream. */
  app: string
  databases: readonly ReplicatedDatabase[]
  replication: ResolvedReplication & { readonly snapshotInterval: number }
  /** The variables of the environment, the keys of buckets among them. */
  environment: Readonly<Record<string, string | undefined>>
  logger: Logger
  host?: LitestreamHost
}
