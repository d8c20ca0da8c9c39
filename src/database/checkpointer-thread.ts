import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { standardLogger, trimHeap } from '../core/index.ts'
import type { CheckpointDuty } from './checkpoint-duty.ts'
import type {
  CheckpointerData,
  CheckpointerOrder,
  CheckpointerReport,
  WalState,
} from './checkpointer-protocol.ts'
import { Connection } from './connection.ts'
import { DatabaseDescriptor, saysDataIsLost } from './database-descriptor.ts'
import { isBusy, sqliteCode } from './driver.ts'
import { FileIdentity } from './file-identity.ts'
import { lockHolders } from './lock-holders.ts'
import { defaultPragmas } from './pragmas.ts'
import { WalWatch } from './wal-watch.ts'

/**
 * The thread of the checkpointer. A checkpoint inside a commit makes one unlucky write wait for the disk; here nobody
 * waits for it. Each look:
 *
 * 1. `wal_checkpoint(NOOP)` measures how many frames wait;
 * 2. above `passiveFrames`, PASSIVE copies them into the database file beside readers and writers, and the file is synced;
 * 3. above `restartFrames`, RESTART makes the next writer begin at the start of the WAL. It takes the write lock, and SQLite
 *    syncs the database under it: step 2 has left it next to nothing to do, so it holds the lock for about half a
 *    millisecond. It is tried with a zero timeout: waiting inside SQLite with the write lock held would stop all writers.
 *
 * After a crash nothing is missing: the WAL keeps every frame until it is safely in the database. When a sync fails, the
 * kernel may have dropped pages that the WAL still has, and would not say so again ("fsyncgate"): the thread never
 * checkpoints again, so that the next process finds them in the WAL. Any other error of SQLite's, such as a full disk, is
 * reported once and tried again.
 *
 * While somebody replicates the WAL the thread only watches it (`checkpoint-duty.ts`). It also looks, with `stat`, whether the file
 * is still the one that was opened; when it is not, it says so and does nothing more: its descriptors lead to nothing that
 * anybody will read.
 */

/** While nothing changes the thread looks less and less often, up to this many milliseconds apart. */
const slowestInterval = 250
/** How often it is looked whether the file is still the same, in milliseconds. */
const identityInterval = 1_000
/** Before RESTART, PASSIVE is repeated until so few frames wait, but not more often than `mostPasses`. */
const fewFrames = 16
const mostPasses = 4
/** For how long RESTART is tried again and again to catch a moment without a writer, in milliseconds. */
const restartEffort = 10

const { path, options, duty } = workerData as CheckpointerData
let firstDuty = duty
await untilFileExists()
let connection = openConnection({ readonly: false })
const descriptor = new DatabaseDescriptor(path)
const identity = new FileIdentity(path)
let identityCheckedAt = performance.now()
/** While somebody else checkpoints. */
let watch: WalWatch | undefined
let interval = options.interval
let lastFrames = 0
/** Size of a WAL whose restart has succeeded: it keeps that size until the next writer begins at its start. */
let restartedFrames: number | undefined
let stuckSince: number | undefined
let isReported = false
/** Whether the last look met an error that may pass, such as a full disk. */
let hasTrouble = false
let optimizedAt = performance.now()
become(firstDuty)
let timer = setTimeout(look, interval)
trimHeap()

parentPort!.on('message', (order: CheckpointerOrder) => {
  if (order !== 'stop') return become(order)
  clearTimeout(timer)
  connection.close()
  parentPort!.close()
})

/** The file is a database's to make: a coordinator may be there before it, and a file that was deleted must not come back. */
async function untilFileExists(): Promise<void> {
  const obey = (order: CheckpointerOrder): void => {
    if (order === 'stop') process.exit()
    // Nothing is done to a file that is not there, so it may be said at once.
    firstDuty = order
    report({ kind: 'duty', duty: order.kind })
  }
  parentPort!.on('message', obey)
  while (!existsSync(path)) await sleep(slowestInterval)
  parentPort!.off('message', obey)
}

/** From now on the thread does this. */
function become(duty: CheckpointDuty): void {
  watch?.end()
  watch = undefined
  if (duty.kind !== 'checkpoint') {
    release()
    // A frame of the WAL is a page and its header.
    const frameSize = Number(connection.pragma('page_size')) + 24
    watch = new WalWatch({ path, frameSize, duty, report })
  }
  interval = options.interval
  report({ kind: 'duty', duty: duty.kind })
}

function look(): void {
  if (isReplaced()) return report({ kind: 'replaced' })
  try {
    work()
    hasTrouble = false
  } catch (error) {
    if (saysDataIsLost(error)) {
      keepWal()
      return report({ kind: 'failed', reason: String(error) })
    }
    if (sqliteCode(error) === '') throw error
    interval = slowestInterval
    if (!hasTrouble) report({ kind: 'trouble', reason: String(error) })
    hasTrouble = true
  }
  timer = setTimeout(look, interval)
}

/** The connection that closes last moves the WAL into the database and deletes it, unless it cannot write. */
function keepWal(): void {
  const keeper = openConnection({ readonly: true })
  connection.close()
  connection = keeper
}

function isReplaced(): boolean {
  const now = performance.now()
  if (now - identityCheckedAt < identityInterval) return false
  identityCheckedAt = now
  return identity.hasChanged()
}

function work(): void {
  const state = checkpoint('noop')
  if (watch?.isOver(state)) takeOver()
  const isActive = watch ? watch.look(state) : tend(state)
  lastFrames = state.log
  interval = isActive ? options.interval : Math.min(interval * 2, slowestInterval)
  if (performance.now() - optimizedAt > options.optimizeInterval) optimize()
}

/** The replicator did not come back. */
function takeOver(): void {
  become({ kind: 'checkpoint' })
  report({ kind: 'took over' })
}

/** Moves what waits into the database; returns whether anything waited. */
function tend({ log, checkpointed }: WalState): boolean {
  const isActive = log !== lastFrames || log - checkpointed > options.passiveFrames
  if (log - checkpointed > options.passiveFrames) movePages()
  if (log !== checkpointed || log !== restartedFrames) restartedFrames = undefined
  if (log > options.restartFrames && restartedFrames === undefined) restart()
  else release()
  return isActive
}

function movePages(): WalState {
  const startedAt = performance.now()
  const state = checkpoint('passive')
  descriptor.sync()
  report({
    kind: 'checkpoint',
    mode: 'passive',
    frames: state.log,
    checkpointed: state.checkpointed,
    duration: performance.now() - startedAt,
  })
  return state
}

function restart(): void {
  const startedAt = performance.now()
  let state = movePages()
  // While the sync lasted writers went on: a shorter pass leaves less to be moved and synced under the lock.
  for (let pass = 1; pass < mostPasses && state.log - state.checkpointed > fewFrames; pass++)
    state = movePages()
  if (state.checkpointed >= 0 && state.log - state.checkpointed > options.passiveFrames) return stuck(state)
  do state = checkpoint('restart')
  while (state.busy && performance.now() - startedAt < restartEffort)
  if (state.busy) return stuck(state)
  restartedFrames = state.log
  release()
  report({
    kind: 'checkpoint',
    mode: 'restart',
    frames: state.log,
    checkpointed: state.checkpointed,
    duration: performance.now() - startedAt,
  })
}

/** The WAL cannot be reused: after a while it is said who keeps it. */
function stuck({ log }: WalState): void {
  stuckSince ??= performance.now()
  const duration = performance.now() - stuckSince
  if (isReported || duration < options.pinnedAfter) return
  const { readers } = lockHolders(path)
  isReported = true
  report({ kind: 'pinned', frames: log, duration, readers })
}

function release(): void {
  stuckSince = undefined
  if (isReported) report({ kind: 'released' })
  isReported = false
}

/** Refreshes the statistics of the query planner, which tables that grow need (https://sqlite.org/lang_analyze.html). */
function optimize(): void {
  optimizedAt = performance.now()
  unlessBusy(() => connection.exec('pragma analysis_limit = 400; pragma optimize'))
}

function checkpoint(mode: 'noop' | 'passive' | 'restart'): WalState {
  const busy = { busy: 1, log: lastFrames, checkpointed: 0 }
  return unlessBusy(() => connection.pragmaRows<WalState>(`wal_checkpoint(${mode})`)[0]!) ?? busy
}

function unlessBusy<Value>(attempt: () => Value): Value | undefined {
  try {
    return attempt()
  } catch (error) {
    if (isBusy(error)) return undefined
    throw error
  }
}

function openConnection({ readonly }: { readonly: boolean }): Connection {
  return new Connection({
    path,
    readonly,
    mustExist: true,
    pragmas: defaultPragmas,
    extensions: [],
    cachedStatements: 1,
    slowQuery: Infinity,
    logger: standardLogger,
  })
}

function report(message: CheckpointerReport): void {
  parentPort!.postMessage(message)
}
