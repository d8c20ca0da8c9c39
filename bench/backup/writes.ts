import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FolderReplica, LitestreamBinary, S3Replica } from 'handcar/backup'
import { checkIntegrity } from '../harness/audit.ts'
import { startProcess } from '../harness/child.ts'
import type { BackupSupervisorHandlers, SupervisorReport } from '../processes/backup-supervisor-process.ts'
import type { BackupWriter, BackupWriterHandlers, BackupWrites } from '../processes/backup-writer-process.ts'
import { cpuSeconds, memoryOf } from '../production/proc.ts'
import { restoreBare, startByHand } from './bare-litestream.ts'
import { makePlace } from './place.ts'
import type { Place, PlaceKind } from './place.ts'
import { countRows, createRows, writtenAt } from './rows.ts'

const writerFile = new URL('../processes/backup-writer-process.ts', import.meta.url)
const supervisorFile = new URL('../processes/backup-supervisor-process.ts', import.meta.url)
const walLookMs = 20

/** Writes a second of the load with a fixed rate. */
export const rate = 1500

/** A way to write and to replicate. */
export interface Way {
  readonly name: string
  readonly writer: BackupWriter
  readonly replication?: {
    readonly litestream: LitestreamBinary
    /** By the backup of handcar, or started by hand with Litestream's defaults. */
    readonly by: 'handcar' | 'hand'
    readonly place: PlaceKind
  }
}

/** How long everything lasts. */
export interface Lengths {
  readonly warmUp: number
  readonly paced: number
  readonly flatOut: number
  /** Moments at which all but the replica is lost. */
  readonly losses: number
}

/** What one run found. Times in milliseconds. */
export interface WritesMeasurement {
  readonly paced: BackupWrites
  readonly flatOut: BackupWrites
  /** Age of the oldest write that a replica does not have, at random moments of the paced load. */
  readonly lags: readonly number[]
  /** The same at the end of the writes flat out. */
  readonly lagAfter: number | undefined
  readonly walMb: number
  /** Of Litestream: share of a core, and memory. */
  readonly cpuPaced: number | undefined
  readonly cpuFlatOut: number | undefined
  readonly rssMb: number | undefined
  readonly pauses: SupervisorReport | undefined
  /** Writes that were acknowledged and found again, in the database and in what was restored in the end. */
  readonly audited: number
  /** Restores that gave a damaged database, or none with all writes in the end. Those of our own backup throw instead. */
  readonly damaged: number
}

/** A replica as it was at a moment. */
interface Loss {
  readonly at: number
  readonly kept: FolderReplica | S3Replica
}

/** Measures a way on a database of its own. Throws when a write is lost, or when what is restored is not what was written. */
export async function measureWrites(parent: string, way: Way, lengths: Lengths): Promise<WritesMeasurement> {
  const folder = join(parent, 'writes')
  await mkdir(folder)
  try {
    return await measure(folder, way, lengths)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(folder: string, way: Way, lengths: Lengths): Promise<WritesMeasurement> {
  const path = join(folder, 'app.sqlite3')
  await createRows(path)
  await using resources = new AsyncDisposableStack()
  const { replication } = way
  const place = replication && resources.use(await makePlace(replication.place, folder))
  const replicator = resources.use(await startReplicator(path, way, place))
  const writer = resources.use(startProcess<BackupWriterHandlers>(writerFile))
  await writer.call('open', { path, writer: way.writer })
  await writer.call('paced', { rate, seconds: lengths.warmUp })
  const wal = watchSize(`${path}-wal`)
  const pid = await replicator.pid()
  const used = (): number => (pid === undefined ? 0 : cpuSeconds(pid))
  const before = used()
  const [paced, losses] = await Promise.all([
    writer.call('paced', { rate, seconds: lengths.paced }),
    place ? loseAtRandom(place, lengths) : [],
  ])
  const between = used()
  const flatOut = await writer.call('flatOut', { seconds: lengths.flatOut })
  const last = place && { at: Date.now(), kept: await place.keep() }
  const after = used()
  const rssMb = pid === undefined ? undefined : memoryOf(pid).rss / 1024 ** 2
  const acknowledged = await writer.call('close', undefined)
  const pauses = await replicator.stop()
  audit(path, acknowledged)
  const lag = async (loss: Loss): Promise<number> => await lagOf(loss, path, folder, way, place!)
  const lags: number[] = []
  let damaged = 0
  const unlessDamaged = async <Result>(work: () => Promise<Result>): Promise<Result | undefined> => {
    if (replication?.by === 'handcar') return await work()
    return await work().catch((error: unknown) => {
      console.error(`${way.name}: ${String(error)}`)
      damaged++
      return undefined
    })
  }
  for (const loss of losses) {
    const age = await unlessDamaged(() => lag(loss))
    if (age !== undefined) lags.push(age)
  }
  if (place) await unlessDamaged(() => auditReplica(folder, way, place, acknowledged))
  const lagAfter = last && (await unlessDamaged(() => lag(last)))
  return {
    paced,
    flatOut,
    lags,
    lagAfter,
    walMb: (await wal.stop()) / 1024 ** 2,
    cpuPaced: pid === undefined ? undefined : (between - before) / lengths.paced,
    cpuFlatOut: pid === undefined ? undefined : (after - between) / lengths.flatOut,
    rssMb,
    pauses,
    audited: acknowledged,
    damaged,
  }
}

interface Replicator extends AsyncDisposable {
  pid(): Promise<number | undefined>
  stop(): Promise<SupervisorReport | undefined>
}

async function startReplicator(
  path: string,
  { writer, replication }: Way,
  place: Place | undefined,
): Promise<Replicator> {
  const resources = new AsyncDisposableStack()
  const isOurs = replication?.by === 'handcar'
  const supervisor =
    writer === 'handcar' ? resources.use(startProcess<BackupSupervisorHandlers>(supervisorFile)) : undefined
  const replicate =
    isOurs && place
      ? { binary: replication.litestream.path, replica: place.replica, environment: place.environment }
      : undefined
  await supervisor?.call('start', { path, ...(replicate && { replicate }) })
  const bare =
    replication && !isOurs
      ? resources.use(await startByHand(replication.litestream, path, place!.replica as FolderReplica))
      : undefined
  return {
    pid: async () => bare?.pid ?? (await supervisor?.call('litestream', undefined)),
    async stop() {
      await bare?.[Symbol.asyncDispose]()
      return await supervisor?.call('stop', undefined)
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

async function loseAtRandom(place: Place, { paced, losses }: Lengths): Promise<Loss[]> {
  const found: Loss[] = []
  const started = performance.now()
  for (let index = 0; index < losses; index++) {
    const due = started + ((index + Math.random()) / losses) * paced * 1000
    await sleep(Math.max(0, due - performance.now()))
    const at = Date.now()
    found.push({ at, kept: await place.keep() })
  }
  return found
}

/** The age, at the moment of the loss, of the oldest write that cannot be restored; 0 when all can. */
async function lagOf(
  { at, kept }: Loss,
  path: string,
  folder: string,
  way: Way,
  place: Place,
): Promise<number> {
  const restored = await restoreAndCount(folder, way, place, kept)
  const lost = writtenAt(path, restored + 1)
  return lost === undefined ? 0 : Math.max(0, at - lost)
}

async function auditReplica(folder: string, way: Way, place: Place, acknowledged: number): Promise<void> {
  const restored = await restoreAndCount(folder, way, place, place.replica)
  if (restored !== acknowledged)
    throw new Error(`${way.name}: ${restored} rows were restored, ${acknowledged} writes were acknowledged`)
}

async function restoreAndCount(
  folder: string,
  { replication }: Way,
  { environment }: Place,
  replica: FolderReplica | S3Replica,
): Promise<number> {
  const to = join(folder, 'restored', 'restored.sqlite3')
  await restoreBare({ litestream: replication!.litestream, replica, environment, to })
  try {
    return countRows(to)
  } finally {
    await rm(join(folder, 'restored'), { recursive: true })
  }
}

function audit(path: string, acknowledged: number): void {
  checkIntegrity(path)
  const rows = countRows(path)
  if (rows !== acknowledged)
    throw new Error(`${path} has ${rows} rows of ${acknowledged} acknowledged writes`)
}

/** Remembers the largest size of a file. */
function watchSize(file: string): { stop(): Promise<number> } {
  let largest = 0
  const look = async (): Promise<void> => {
    const { size } = await stat(file).catch(() => ({ size: 0 }))
    largest = Math.max(largest, size)
  }
  const timer = setInterval(() => void look(), walLookMs)
  return {
    async stop() {
      clearInterval(timer)
      await look()
      return largest
    },
  }
}
