import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { litestreamConfig, replicationReaders } from 'handcar/backup'
import type { FolderReplica, LitestreamBinary, S3Replica } from 'handcar/backup'
import { endWithUs } from '../harness/child.ts'

const run = promisify(execFile)
const patienceMs = 20_000

/** A Litestream that somebody has started by hand, with the defaults of Litestream. */
interface BareLitestream extends AsyncDisposable {
  readonly pid: number
}

/** Starts Litestream beside a database, to a folder; the configuration says no more than it has to. */
export async function startByHand(
  { path: program, line }: LitestreamBinary,
  database: string,
  replica: FolderReplica,
): Promise<BareLitestream> {
  const config = join(dirname(database), 'by-hand.yml')
  const target = { type: 'file', path: join(replica.path, 'app') }
  const place = line === '0.3' ? { replicas: [target] } : { replica: target }
  await writeFile(config, JSON.stringify({ dbs: [{ path: database, ...place }] }))
  const child = spawn(program, ['replicate', '-config', config], { stdio: 'ignore' })
  endWithUs(child)
  await once(child, 'spawn')
  return {
    pid: child.pid!,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      await exited
      clearTimeout(late)
    },
  }
}

/** What Litestream alone restores, without any check. */
interface BareRestore {
  readonly litestream: LitestreamBinary
  readonly replica: FolderReplica | S3Replica
  readonly environment: Readonly<Record<string, string>>
  /** The file; its folder is made. */
  readonly to: string
}

/** Restores the newest state; throws what Litestream says. */
export async function restoreBare({ litestream, replica, environment, to }: BareRestore): Promise<void> {
  const folder = dirname(to)
  await mkdir(folder, { recursive: true })
  const config = `${to}.yml`
  const standIn = join(folder, 'app.sqlite3')
  const plan = {
    databases: [{ name: 'app', path: standIn }],
    replicas: replicationReaders.replicas([replica], 'replicas'),
    syncInterval: 1_000,
    retention: 86_400_000,
    snapshotInterval: 3_600_000,
  }
  await writeFile(config, litestreamConfig(litestream.line, plan))
  const argv = ['restore', '-no-expand-env', '-config', config, '-o', to, standIn]
  await run(litestream.path, argv, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
  })
  await rm(config)
}
