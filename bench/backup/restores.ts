import { execFile } from 'node:child_process'
import { mkdir, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { replicationReaders, restoreFromReplicas } from 'handcar/backup'
import type { LitestreamBinary } from 'handcar/backup'
import { startProcess } from '../harness/child.ts'
import { interleave } from '../harness/statistics.ts'
import { openRaw } from '../harness/sqlite.ts'
import type { BackupSupervisorHandlers } from '../processes/backup-supervisor-process.ts'
import type { BackupWriterHandlers } from '../processes/backup-writer-process.ts'
import { restoreBare } from './bare-litestream.ts'
import { makePlace } from './place.ts'
import { countRows, createRows } from './rows.ts'

const writerFile = new URL('../processes/backup-writer-process.ts', import.meta.url)
const supervisorFile = new URL('../processes/backup-supervisor-process.ts', import.meta.url)
const replicatedWithinMs = 300_000
const run = promisify(execFile)

/** Seconds that each way took in each round, and the size of what was restored. */
export interface RestoreTimes {
  readonly megabytes: number
  readonly seconds: ReadonlyMap<string, readonly number[]>
}

interface RestoreWay {
  readonly name: string
  /** How many rows the file has to have. */
  readonly rows: number
  /** Makes the file. */
  run(to: string): Promise<unknown>
}

/** Replicates a database with so many rows to a folder with each Litestream, and restores it in every way. Checks each file. */
export async function measureRestores(
  parent: string,
  { rows, rounds, report }: { rows: number; rounds: number; report: (line: string) => void },
  litestreams: Iterable<LitestreamBinary>,
): Promise<RestoreTimes> {
  const folder = join(parent, 'restores')
  await mkdir(folder)
  try {
    const path = join(folder, 'app.sqlite3')
    await createRows(path, rows)
    const ways: RestoreWay[] = []
    for (const litestream of litestreams) {
      report(`replicating the large database with Litestream ${litestream.version}`)
      ways.push(...(await replicatedWays(folder, path, litestream)))
    }
    ways.unshift(...plainWays(path))
    const { size } = await stat(path)
    const seconds = await interleave(rounds, ways, async (way, round) => {
      report(`round ${round} of ${rounds}: ${way.name}`)
      return await measure(folder, way)
    })
    return {
      megabytes: size / 1024 ** 2,
      seconds: new Map([...seconds].map(([way, all]) => [way.name, all])),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The same without a backup: the file is at rest and its WAL is empty. */
function plainWays(path: string): RestoreWay[] {
  const rows = countRows(path)
  return [
    {
      name: 'cp and fsync',
      rows,
      run: async (to) => {
        await run('cp', ['--reflink=never', path, to])
        await sync(to)
      },
    },
    {
      name: 'vacuum into and fsync',
      rows,
      run: async (to) => {
        const database = openRaw(path)
        database.exec(`vacuum into '${to}'`)
        database.close()
        await sync(to)
      },
    },
  ]
}

async function replicatedWays(
  folder: string,
  path: string,
  litestream: LitestreamBinary,
): Promise<RestoreWay[]> {
  const own = join(folder, litestream.line)
  await mkdir(own)
  const { replica, environment } = await makePlace('folder', own)
  await replicate(path, { binary: litestream.path, replica, environment })
  const rows = countRows(path)
  return [
    {
      name: `litestream ${litestream.line} restore and fsync, no check`,
      rows,
      run: async (to) => {
        await restoreBare({ litestream, replica, environment, to })
        await sync(to)
      },
    },
    {
      name: `handcar restore, Litestream ${litestream.line}`,
      rows,
      run: async (to) =>
        await restoreFromReplicas({
          databases: [{ name: 'app', path: join(folder, 'restored.sqlite3') }],
          replicas: replicationReaders.replicas([replica], 'replicas'),
          binary: litestream,
          environment: { PATH: process.env.PATH, ...environment },
          to: join(to, '..'),
          now: Date.now(),
        }),
    },
  ]
}

/** Until the replica has all of it, and some writes after its snapshot. */
async function replicate(
  path: string,
  replicate: { binary: string; replica: Parameters<typeof restoreBare>[0]['replica']; environment: object },
): Promise<void> {
  await using supervisor = startProcess<BackupSupervisorHandlers>(supervisorFile)
  await supervisor.call('start', { path, replicate: replicate as never })
  await using writer = startProcess<BackupWriterHandlers>(writerFile)
  await writer.call('open', { path, writer: 'handcar' })
  await writer.call('paced', { rate: 1500, seconds: 1 })
  const deadline = performance.now() + replicatedWithinMs
  while ((await supervisor.call('lag', undefined)) !== 0) {
    if (performance.now() > deadline) throw new Error('The large database was not replicated in time')
    await sleep(100)
  }
  await writer.call('paced', { rate: 1500, seconds: 2 })
  await writer.call('close', undefined)
  await supervisor.call('stop', undefined)
}

async function measure(folder: string, way: RestoreWay): Promise<number> {
  const target = join(folder, 'target')
  await mkdir(target)
  try {
    const to = join(target, 'restored.sqlite3')
    const started = performance.now()
    await way.run(to)
    const seconds = (performance.now() - started) / 1000
    const found = countRows(to)
    if (found !== way.rows) throw new Error(`${way.name} restored ${found} rows of ${way.rows}`)
    return seconds
  } finally {
    await rm(target, { recursive: true })
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.sync()
  await file.close()
}
