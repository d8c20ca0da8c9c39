import { existsSync } from 'node:fs'
import { appendFile, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Database } from 'handcar/database'
import { Jobs } from 'handcar/jobs'
import { openRaw } from '../harness/sqlite.ts'
import { nothing } from './nothing-job.ts'

const source = fileURLToPath(new URL('./nothing-job.ts', import.meta.url))
const queue = nothing.queue
const lookMs = 10
const patienceMs = 120_000

/** Adds the job that does nothing to the jobs of an app. */
export async function addNothingJob(app: string): Promise<void> {
  await cp(source, join(app, 'src/nothing-job.ts'))
  const isFolder = existsSync(join(app, 'src/jobs/index.ts'))
  const [module, path] = isFolder
    ? ['src/jobs/index.ts', '../nothing-job.ts']
    : ['src/jobs.ts', './nothing-job.ts']
  await appendFile(join(app, module), `\nexport * from '${path}'\n`)
}

/** Jobs that do nothing, enqueued into the database of an app that runs; none begins before `release`. */
export class Backlog implements AsyncDisposable {
  readonly #path: string
  readonly #database: Database
  readonly #jobs: Jobs
  readonly #count: number

  private constructor(path: string, database: Database, jobs: Jobs, count: number) {
    this.#path = path
    this.#database = database
    this.#jobs = jobs
    this.#count = count
  }

  static async fill(path: string, count: number): Promise<Backlog> {
    const database = new Database({ path, readers: false, checkpointer: false })
    await database.start()
    const jobs = new Jobs({ database, definitions: [nothing] })
    await jobs.start()
    await jobs.pause(queue)
    await jobs.enqueueAll(
      nothing,
      Array.from({ length: count }, (_, number) => number),
    )
    return new Backlog(path, database, jobs, count)
  }

  /** Lets the jobs begin, and waits until none is left. */
  async release(): Promise<void> {
    const reader = openRaw(this.#path, { readonly: true })
    const waiting = reader.prepare(
      "select 1 from handcar_jobs where queue = ? and state = 'available' and blocked = 0 limit 1",
    )
    const running = reader.prepare("select 1 from handcar_jobs where state = 'running' limit 1")
    const deadline = performance.now() + patienceMs
    await this.#jobs.resume(queue)
    try {
      while (waiting.get(queue) !== undefined || running.get() !== undefined) {
        if (performance.now() > deadline) throw new Error(`Jobs are left after ${patienceMs} ms`)
        await sleep(lookMs)
      }
    } finally {
      reader.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#jobs.stop()
    await this.#database.stop()
  }

  /** Throws unless each job was performed, once. */
  check(): void {
    const reader = openRaw(this.#path, { readonly: true })
    const text =
      "select count(*) as once from handcar_jobs where queue = ? and state = 'completed' and claims = 1"
    const { once } = reader.prepare(text).get(queue) as { once: number }
    reader.close()
    if (once !== this.#count) throw new Error(`${once} of ${this.#count} jobs were performed once`)
  }
}
