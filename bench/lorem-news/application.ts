import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endWithUs } from '../harness/child.ts'
import { firstCore, pinned } from '../harness/pin.ts'
import { openRaw } from '../harness/sqlite.ts'

/** The five ways in which Lorem News can run its transactions, from what everybody starts with to handcar. */
export const modes = [
  'deferred',
  'deferred-timeout',
  'immediate-timeout',
  'immediate-retry',
  'handcar',
] as const

/** One of them. */
export type Mode = (typeof modes)[number]

/** How the example is started. */
export interface ApplicationOptions {
  readonly mode: Mode
  /** Web processes. One is pinned to the first core; several share all of them with the client. */
  readonly processes: number
  /** A folder with a seeded `app.sqlite3`. */
  readonly data: string
}

/** Lorem News, serving. */
export interface Application extends AsyncDisposable {
  readonly origin: string
  readonly path: string
}

const example = fileURLToPath(new URL('../../examples/lorem-news', import.meta.url))
const readyWithinMs = 20_000
const patienceMs = 20_000

/** Seeds a database once; every run starts with a copy of it. */
export async function seed(folder: string): Promise<string> {
  const data = join(folder, 'seeded')
  await mkdir(data)
  await runScript('seed.ts', data)
  const path = join(data, 'app.sqlite3')
  const database = openRaw(path)
  database.pragma('wal_checkpoint(truncate)')
  database.close()
  return path
}

/** A folder with a fresh copy of the seeded database. */
export async function reseed(seeded: string, folder: string): Promise<string> {
  const data = join(folder, 'data')
  await rm(data, { recursive: true, force: true })
  await mkdir(data)
  await copyFile(seeded, join(data, 'app.sqlite3'))
  return data
}

/** Runs the example's own audit: counters, orphans, search, integrity. Throws when it finds anything. */
export async function runAudit(data: string): Promise<void> {
  await runScript('audit.ts', data)
}

/** Starts the server and waits until it answers. */
export async function startApplication({ mode, processes, data }: ApplicationOptions): Promise<Application> {
  const port = await freePort()
  const cores = processes === 1 ? firstCore : undefined
  const argv = pinned(cores, [...nodeArguments(), join(example, 'src/main.ts')])
  const server = spawn(argv[0]!, argv.slice(1), {
    cwd: example,
    // The naive modes print a line for each of their thousands of failures, which are counted anyway.
    stdio: ['ignore', 'ignore', mode === 'handcar' ? 'inherit' : 'ignore'],
    env: {
      ...environmentOf(data),
      LOREM_NEWS_DATABASE_MODE: mode,
      LOREM_NEWS_BENCHMARKING: '1',
      WEB_CONCURRENCY: String(processes),
      PORT: String(port),
    },
  })
  endWithUs(server)
  const origin = `http://127.0.0.1:${port}`
  const hasEnded = (): boolean => server.exitCode !== null || server.signalCode !== null
  const stop = async (): Promise<void> => {
    if (hasEnded()) return
    const exited = once(server, 'exit')
    server.kill('SIGTERM')
    const late = setTimeout(() => server.kill('SIGKILL'), patienceMs)
    await exited
    clearTimeout(late)
  }
  const deadline = Date.now() + readyWithinMs
  while (!(await answers(`${origin}/up`))) {
    if (hasEnded() || Date.now() > deadline) {
      await stop()
      throw new Error(`Lorem News (${mode}, ${processes} processes) did not start`)
    }
    await sleep(50)
  }
  return { origin, path: join(data, 'app.sqlite3'), [Symbol.asyncDispose]: stop }
}

async function runScript(name: string, data: string): Promise<void> {
  const [node, ...argv] = nodeArguments()
  const script = spawn(node!, [...argv, join(example, 'scripts', name)], {
    cwd: example,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentOf(data),
  })
  endWithUs(script)
  const output: Buffer[] = []
  for (const stream of [script.stdout, script.stderr])
    stream.on('data', (chunk: Buffer) => output.push(chunk))
  const [code] = (await once(script, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${name} failed:\n${Buffer.concat(output).toString()}`)
}

function nodeArguments(): string[] {
  return [process.execPath, '--conditions=handcar-source']
}

function environmentOf(data: string): NodeJS.ProcessEnv {
  return { ...process.env, HANDCAR_DATA: data, NODE_ENV: 'production', HOST: '127.0.0.1' }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined)
  await response?.arrayBuffer()
  return response?.ok === true
}
