import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { endWithUs } from '../harness/child.ts'
import { firstCore } from '../harness/pin.ts'
import { openRaw } from '../harness/sqlite.ts'
import { fromSource, loremNewsSource } from '../production/installation.ts'
import { RunningApp } from '../production/running-app.ts'

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

/** Runs `handcar start` from source and waits until it answers. */
export async function startApplication({ mode, processes, data }: ApplicationOptions): Promise<Application> {
  const app = await RunningApp.start({
    installation: fromSource,
    folder: loremNewsSource,
    data,
    processes,
    ...(processes === 1 && { cores: firstCore }),
    // The naive modes print a line for each of their thousands of failures, which are counted anyway.
    showsErrors: mode === 'handcar',
    environment: { LOREM_NEWS_DATABASE_MODE: mode, LOREM_NEWS_BENCHMARKING: '1' },
  })
  return {
    origin: app.origin,
    path: join(data, 'app.sqlite3'),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

async function runScript(name: string, data: string): Promise<void> {
  const [node, ...argv] = nodeArguments()
  const script = spawn(node!, [...argv, join(loremNewsSource, 'scripts', name)], {
    cwd: loremNewsSource,
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
  return {
    ...process.env,
    HANDCAR_DATA: data,
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    HANDCAR_ALLOW_VOLATILE_DATA: '1',
  }
}
