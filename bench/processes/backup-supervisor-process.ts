import { dirname } from 'node:path'
import { BackupFolder, Litestream, replicationReaders, snapshotIntervalOf } from 'handcar/backup'
import type { LitestreamOptions, Replica } from 'handcar/backup'
import { Coordinator } from 'handcar/database'
import { answer } from '../harness/remote.ts'

/** What is replicated, with which Litestream, and where to. */
export interface SupervisedReplication {
  readonly binary: string
  readonly replica: Replica
  readonly environment: Readonly<Record<string, string>>
}

/** What a supervisor has seen. Milliseconds. */
export interface SupervisorReport {
  /** How often writers paused for the WAL, and for how long at most. */
  readonly pauses: number
  readonly longestPause: number
}

let coordinator: Coordinator
let litestream: Litestream | undefined

const logger: LitestreamOptions['logger'] = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (fields, message) => console.error(message, JSON.stringify(fields)),
}

const handlers = {
  /** Does for a database what the supervisor of an app does: coordinates its writers, and replicates it if wished for. */
  async start({ path, replicate }: { path: string; replicate?: SupervisedReplication }): Promise<void> {
    coordinator = new Coordinator({ path })
    litestream = replicate && litestreamFor(path, replicate)
    if (litestream) await coordinator.giveWay()
    coordinator.onLargeWal(() => litestream?.hurry(path))
    await coordinator.start()
    await litestream?.start()
  },

  /** The pid of Litestream, once it runs. */
  litestream(): number | undefined {
    return litestream?.status().pid
  },

  /** For how many milliseconds the replica is behind, as the app would say; `undefined` while it does not know. */
  lag(): number | undefined {
    return litestream?.status().databases[0]!.replicas[0]!.lag
  },

  /** Lets Litestream send what is left, and ends. */
  async stop(): Promise<SupervisorReport> {
    const { pause } = coordinator.stats().checkpointer!
    await litestream?.stop()
    await coordinator.stop()
    return { pauses: pause.count, longestPause: pause.max }
  },
}

/** What this process can be asked for. */
export type BackupSupervisorHandlers = typeof handlers

function litestreamFor(path: string, { binary, replica, environment }: SupervisedReplication): Litestream {
  const replication = {
    binary,
    walLimit: replicationReaders.walLimit(undefined, 'walLimit'),
    replicas: replicationReaders.replicas([replica], 'replicas'),
    syncInterval: replicationReaders.syncInterval(undefined, 'syncInterval'),
    retention: replicationReaders.retention(undefined, 'retention'),
    snapshotInterval: undefined,
    validationInterval: replicationReaders.validationInterval(undefined, 'validationInterval'),
    lagAlarm: replicationReaders.lagAlarm(undefined, 'lagAlarm'),
  }
  const folder = dirname(path)
  return new Litestream({
    folder: new BackupFolder(folder),
    app: folder,
    databases: [{ name: 'app', path }],
    replication: { ...replication, snapshotInterval: snapshotIntervalOf(replication, 'backup') },
    environment: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    logger,
    host: {
      begins: () => coordinator.giveWay(),
      pauses: () => coordinator.awaitReplicator(),
      ends: () => coordinator.takeOver(),
    },
  })
}

answer(handlers)
