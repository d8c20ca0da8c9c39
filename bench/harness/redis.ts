import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis as Client } from 'ioredis'
import { endWithUs } from './child.ts'
import { exists } from './pin.ts'

/** When Redis makes its append-only file durable; `off` keeps everything in memory only. */
export type RedisSync = 'off' | 'everysec' | 'always'

/** A Redis server of our own, reachable through a free port on the loopback interface. */
export interface Redis extends AsyncDisposable {
  readonly pid: number
  readonly version: string
  /** What `ioredis` needs to connect. */
  readonly connection: { readonly host: string; readonly port: number }
}

const host = '127.0.0.1'
const readyWithinMs = 10_000

/** The reason why there is no Redis here; `undefined` where there is one. */
export function redisIsMissing(): string | undefined {
  return exists('redis-server') ? undefined : 'no redis-server (Debian: apt-get install redis-server)'
}

/** Starts a server whose files are in `folder`. It takes no snapshots: they would be a second way to persist. */
export async function startRedis(folder: string, sync: RedisSync): Promise<Redis> {
  const home = join(folder, `redis-${sync}`)
  await mkdir(home)
  const port = await freePort()
  const persistence = sync === 'off' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', sync]
  const place = ['--bind', host, '--port', String(port), '--dir', home]
  const server = spawn('redis-server', [...place, ...persistence, '--save', '', '--daemonize', 'no'], {
    cwd: home,
    stdio: 'ignore',
  })
  endWithUs(server)
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill('SIGKILL')
    await exited
  }
  try {
    const version = await versionWhenReady(port)
    return { pid: server.pid!, version, connection: { host, port }, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function versionWhenReady(port: number): Promise<string> {
  const deadline = Date.now() + readyWithinMs
  for (;;) {
    const client = new Client({ host, port, lazyConnect: true, retryStrategy: () => null })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return /redis_version:(\S+)/.exec(await client.info('server'))![1]!
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(50)
    } finally {
      client.disconnect()
    }
  }
}
