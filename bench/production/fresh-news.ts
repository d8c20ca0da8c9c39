import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Pool } from 'undici'
import { seed } from '../lorem-news/application.ts'
import { BuiltInstallation } from './installation.ts'
import { RunningApp } from './running-app.ts'
import type { RunningAppOptions } from './running-app.ts'

/** What may be chosen for a run. */
export interface FreshNewsOptions extends Partial<Omit<RunningAppOptions, 'data'>> {
  readonly processes: number
}

/** Lorem News, built and installed as by a deploy; each run has a fresh copy of the seeded database. */
export class FreshNews {
  readonly installation: BuiltInstallation
  /** The app's folder. */
  readonly app: string
  /** The seeded database. */
  readonly seeded: string
  readonly #folder: string
  #runs = 0

  private constructor(folder: string, installation: BuiltInstallation, app: string, seeded: string) {
    this.#folder = folder
    this.installation = installation
    this.app = app
    this.seeded = seeded
  }

  /** Builds, installs and seeds in a folder that exists. */
  static async make(folder: string): Promise<FreshNews> {
    const installation = await BuiltInstallation.make(folder)
    return new FreshNews(folder, installation, await installation.loremNews(), await seed(folder))
  }

  /** An environment with a code cache that later runs find again. */
  get codeCache(): Record<string, string> {
    return { NODE_COMPILE_CACHE: join(this.#folder, 'code-cache') }
  }

  /** A new folder with a copy of the seeded database in `data`. */
  async place(): Promise<Place> {
    const folder = join(this.#folder, `run-${++this.#runs}`)
    const data = join(folder, 'data')
    await mkdir(data, { recursive: true })
    await copyFile(this.seeded, join(data, 'app.sqlite3'))
    return {
      data,
      log: join(folder, 'log'),
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    }
  }

  /** How it is run in a place. */
  options({ data, log }: Place, options: FreshNewsOptions): RunningAppOptions {
    const { installation, app: folder, codeCache: environment } = this
    return { installation, folder, data, log, environment, ...options }
  }

  /** Runs it, lets `body` look at it, and stops it. */
  async run<Value>(options: FreshNewsOptions, body: (app: RunningApp) => Promise<Value>): Promise<Value> {
    await using place = await this.place()
    await using app = await RunningApp.start(this.options(place, options))
    return await body(app)
  }
}

/** Where a run keeps its data and its log; removed afterwards. */
export interface Place extends AsyncDisposable {
  readonly data: string
  readonly log: string
}

/**
 * Asks for so many pages, one after another, each on a new connection, so that every process gets its share. Throws for a wrong
 * answer.
 */
export async function readPages({ origin }: Pick<RunningApp, 'origin'>, count: number): Promise<void> {
  const pool = new Pool(origin, { connections: 1, pipelining: 0 })
  for (let page = 0; page < count; page++) {
    const path = page % 2 === 0 ? '/posts' : `/posts/${1 + (page % differentPosts)}`
    const { statusCode, body } = await pool.request({ method: 'GET', path })
    const text = await body.text()
    if (statusCode !== 200 || !text.endsWith('</html>'))
      throw new Error(`${path} was answered ${statusCode}: ${text.slice(-200)}`)
  }
  await pool.close()
}

const differentPosts = 200
