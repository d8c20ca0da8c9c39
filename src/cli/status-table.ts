import { basename } from 'node:path'
import { replicationIn } from '../app/index.ts'
import { formatSize } from '../core/index.ts'
import type { ProcessStatus, ProgramStatus, TreeStatus } from '../supervisor/index.ts'
import type { Output } from './command.ts'
import { formatDuration, formatNumber } from './format.ts'
import { formatTable, type Column } from './table.ts'

const columns: readonly Column[] = [
  { title: 'process' },
  { title: 'pid', align: 'right' },
  { title: 'state' },
  { title: 'uptime', align: 'right' },
  { title: 'memory', align: 'right' },
  { title: 'requests/s', align: 'right' },
  { title: 'p99', align: 'right' },
  { title: 'queued writes', align: 'right' },
  { title: 'jobs', align: 'right' },
  { title: 'done', align: 'right' },
  { title: 'cache hits', align: 'right' },
  { title: 'clients', align: 'right' },
  { title: 'restarts', align: 'right' },
  { title: 'release' },
]

/** The next job has waited for so many milliseconds: people should know. */
const longWait = 10_000

/** Writes the tree of processes for people: lines of text. */
export function describeTree(tree: TreeStatus, output: Output): string[] {
  const rows = [
    supervisorRow(tree, output),
    ...tree.processes.map((each) => processRow(each, output)),
    ...tree.programs.map((each) => programRow(each, output)),
  ]
  const { bold } = output.color
  return [
    headline(tree, output),
    ...releaseLines(tree),
    ...jobLines(tree, output),
    ...cacheLines(tree, output),
    ...realtimeLines(tree, output),
    ...backupLines(tree, output),
    ...verificationLines(tree, output),
    '',
    ...formatTable(columns, rows, bold),
    ...databaseLines(tree, output),
  ]
}

function headline({ version, state, address, waiting }: TreeStatus, output: Output): string {
  const at = address === undefined ? '' : ` at ${address}`
  const note = waiting > 0 ? `; ${waiting} connections wait for a process` : ''
  return `${output.color.bold('handcar')} ${version}, ${stateOf(state, output)}${at}${note}`
}

function releaseLines({ release }: TreeStatus): string[] {
  if (release === undefined) return []
  return [`release ${release.folder}${release.version === undefined ? '' : ` (${release.version})`}`]
}

/** Jobs that run at once need no line. */
function jobLines({ processes }: TreeStatus, { color }: Output): string[] {
  const longest = Math.max(0, ...processes.map(({ stats }) => stats.jobs?.longestWait ?? 0))
  return longest < longWait ? [] : [color.yellow(`the next job has waited for ${formatDuration(longest)}`)]
}

/** A cache that works needs no line. */
function cacheLines({ processes }: TreeStatus, { color }: Output): string[] {
  const without = processes.filter(({ stats }) => stats.cache?.isOn === false).map(({ name }) => name)
  return without.length === 0
    ? []
    : [color.yellow(`the cache cannot be used in ${without.join(', ')}: the log says why`)]
}

/** Messages that are delivered at once need no line. */
function realtimeLines({ processes }: TreeStatus, { color }: Output): string[] {
  const stuck = processes.filter(({ stats }) => stats.realtime?.isReading === false).map(({ name }) => name)
  return stuck.length === 0
    ? []
    : [color.yellow(`the messages of realtime cannot be read in ${stuck.join(', ')}: the log says why`)]
}

/** A backup is worth a line also when it is well: without one nobody would know that there is one. */
function backupLines(tree: TreeStatus, { color }: Output): string[] {
  const status = replicationIn(tree)
  if (status === undefined) return []
  if (status.problem !== undefined) return [color.red(`backup: ${status.problem.message}`)]
  const replicas = status.databases.flatMap(({ replicas }) => replicas)
  return replicas.map(({ address, lag }) => {
    const behind = lag === undefined ? 'how far is not known yet' : `${formatDuration(lag)} behind`
    return `backup ${address}: ${behind}`
  })
}

/** All processes look into the same table. */
function verificationLines({ processes }: TreeStatus, { color }: Output): string[] {
  const problem = processes.map(({ stats }) => stats.verification).find((each) => each !== undefined)
  return problem === undefined ? [] : [color.red(problem)]
}

function supervisorRow({ pid, state, uptime, rss }: TreeStatus, output: Output): string[] {
  return ['supervisor', String(pid), stateOf(state, output), formatDuration(uptime), formatSize(rss)]
}

function processRow(each: ProcessStatus, output: Output): string[] {
  const { name, pid, uptime, rss, restarts, release, stats } = each
  return [
    name,
    pid === undefined ? '–' : String(pid),
    each.blocked ? output.color.red('blocked') : stateOf(each.state, output),
    formatDuration(uptime),
    rss === undefined ? '–' : formatSize(rss),
    formatNumber(stats.requestsPerSecond, 1),
    stats.p99 === undefined ? '–' : `${formatNumber(stats.p99, 1)} ms`,
    formatNumber(stats.queuedWrites),
    stats.jobs === undefined ? '–' : `${stats.jobs.running}/${stats.jobs.slots}`,
    formatNumber(stats.jobs?.completed),
    stats.cache && stats.cache.hits + stats.cache.misses > 0
      ? `${formatNumber(100 * stats.cache.ratio, 1)} %`
      : '–',
    formatNumber(stats.realtime?.connections),
    restarts > 0 ? output.color.yellow(String(restarts)) : '0',
    basename(release),
  ]
}

function programRow({ name, pid, uptime, restarts }: ProgramStatus, output: Output): string[] {
  const state = stateOf(pid === undefined ? 'restarting' : 'running', output)
  const unknown = ['', '', '', '', '', '', '', '']
  return [
    name,
    pid === undefined ? '–' : String(pid),
    state,
    formatDuration(uptime),
    ...unknown,
    String(restarts),
  ]
}

function databaseLines({ databases }: TreeStatus, output: Output): string[] {
  if (databases.length === 0) return []
  const rows = databases.map(({ path, lease, checkpointer }) => [
    path,
    formatNumber(checkpointer?.frames),
    formatNumber(checkpointer && checkpointer.frames - checkpointer.checkpointed),
    checkpointer?.pinned ? output.color.yellow(formatDuration(checkpointer.pinned.duration)) : 'no',
    formatNumber(lease.clients),
    formatNumber(lease.waiting),
  ])
  return ['', ...formatTable(databaseColumns, rows, output.color.bold)]
}

const databaseColumns: readonly Column[] = [
  { title: 'database' },
  { title: 'WAL frames', align: 'right' },
  { title: 'not yet moved', align: 'right' },
  { title: 'held by readers', align: 'right' },
  { title: 'lease clients', align: 'right' },
  { title: 'waiting', align: 'right' },
]

function stateOf(state: string, { color }: Output): string {
  return state === 'ready' || state === 'running' ? color.green(state) : color.yellow(state)
}
