import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { endWithUs } from './child.ts'

/** A PostgreSQL server of our own, reachable through a socket in a temporary folder only. */
export interface Postgres extends AsyncDisposable {
  /** The postmaster's; the processes that work for it are its children. */
  readonly pid: number
  readonly version: string
  /** What `pg` needs to connect. */
  readonly connection: { readonly host: string; readonly user: string; readonly database: string }
}

const versionsFolder = '/usr/lib/postgresql'
const readyWithinMs = 20_000

/** The folder with PostgreSQL's server programs, or the reason why there is none. */
export async function findPostgres(): Promise<{ readonly binaries: string } | { readonly missing: string }> {
  const versions = await readdir(versionsFolder).catch(() => [])
  const newest = versions.toSorted((left, right) => Number(right) - Number(left))[0]
  if (newest) return { binaries: join(versionsFolder, newest, 'bin') }
  return { missing: `no PostgreSQL server in ${versionsFolder} (Debian: apt-get install postgresql)` }
}

/**
 * Creates a cluster in `folder` and starts it with PostgreSQL's defaults, without TCP. PostgreSQL refuses to run as
 * root, so root hands it to the user `postgres` of the Debian package.
 */
export async function startPostgres(binaries: string, folder: string): Promise<Postgres> {
  const home = join(folder, 'postgres')
  const owner = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {}
  await mkdir(home)
  if (owner.uid !== undefined) {
    await chmod(dirname(home), 0o711)
    await chown(home, owner.uid, owner.gid)
  }
  const data = join(home, 'data')
  const initdb = ['-D', data, '-U', 'bench', '--auth=trust', '--encoding=UTF8', '--locale=C']
  execFileSync(join(binaries, 'initdb'), initdb, { ...owner, cwd: home, stdio: 'ignore' })
  const server = spawn(join(binaries, 'postgres'), ['-D', data, '-k', home, '-c', 'listen_addresses='], {
    ...owner,
    cwd: home,
    stdio: 'ignore',
  })
  endWithUs(server)
  const connection = { host: home, user: 'bench', database: 'postgres' }
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null) return
    const exited = once(server, 'exit')
    server.kill('SIGINT')
    await exited
  }
  try {
    const version = await versionWhenReady(connection)
    return { pid: server.pid!, version, connection, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
}

async function versionWhenReady(connection: Postgres['connection']): Promise<string> {
  const deadline = Date.now() + readyWithinMs
  for (;;) {
    const client = new Client(connection)
    try {
      await client.connect()
      const { rows } = await client.query<{ server_version: string }>('show server_version')
      return rows[0]!.server_version
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(50)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}
