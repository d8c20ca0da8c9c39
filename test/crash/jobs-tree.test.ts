import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from 'handcar/database'
import { Jobs } from 'handcar/jobs'
import { control, type TreeStatus } from 'handcar/supervisor'
import { appFolder } from '../helpers/app-folder.ts'
import { RunningCommand } from '../helpers/command-line.ts'
import { recordingLogger } from '../helpers/recording-logger.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { limits, micros } from './jobs-tree-app.ts'
import { auditJobs } from './jobs-tree-audit.ts'
import { Random } from './random.ts'
import { isSoak } from './soak.ts'

const rounds = isSoak ? 300 : 8
const victims = ['jobs', 'web', 'supervisor', 'everything'] as const

const app = new URL('./jobs-tree-app.ts', import.meta.url).href
const files = {
  'handcar.config.js': `export default {
    processes: { web: 1, jobs: 2 },
    jobs: { queues: { mail: { limit: ${limits.mail} } }, work: { slots: 6 }, retention: false },
  }`,
  'src/app.js': `export { default } from '${app}'`,
  'src/jobs.js': `export * from '${app}'`,
  'db/migrations/20260101000000_history.sql': `
    create table orders (id integer primary key) strict;
    create table runs (job integer, claim integer, queue text, key text, pid integer, begun integer, ended integer,
      primary key (job, claim)) strict;
    create table effects (job integer primary key) strict;
    create table steps (job integer, name text, primary key (job, name)) strict;
    create table closings (batch integer, job integer) strict;`,
}

/** Sends requests, one after the other, until it is ended; remembers what was acknowledged. */
class Producer {
  readonly acknowledged: number[] = []
  readonly #url: string
  #isEnded = false
  readonly #done: Promise<void>

  constructor(url: string, acknowledged: number[]) {
    this.#url = url
    this.acknowledged = acknowledged
    this.#done = this.#produce()
  }

  async #produce(): Promise<void> {
    while (!this.#isEnded) {
      try {
        const signal = AbortSignal.timeout(5_000)
        const response = await fetch(this.#url, { method: 'POST', signal, headers: { connection: 'close' } })
        if (response.ok) this.acknowledged.push(...((await response.json()) as number[]))
      } catch {
        // Nobody is there at this moment.
      }
      await sleep(20)
    }
  }

  async end(): Promise<void> {
    this.#isEnded = true
    await this.#done
  }
}

test(
  `the tree of an app loses processes, its supervisor or everything ${rounds} times: jobs, ticks, batches, steps and limits hold`,
  { timeout: 14_400_000 },
  async (t) => {
    const random = new Random()
    t.diagnostic(`seed ${random.seed}`)
    using folder = appFolder(files)
    const killed = new Map<number, number>()
    const acknowledged: number[] = []
    const kill = (pid: number): void => {
      killed.set(pid, micros())
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    const start = (): RunningCommand =>
      new RunningCommand(['start'], { folder: folder.path, environment: { PORT: '0' } })
    let running = start()
    try {
      for (let round = 0; round < rounds; round++) {
        const producer = new Producer(await running.address(), acknowledged)
        await sleep(random.between(100, 900))
        const victim = victims[round % victims.length]!
        const status = await control<TreeStatus>(folder.file('data'), 'status')
        const pidsOf = (kind: string): number[] =>
          status.processes.flatMap((each) => (each.kind === kind && each.pid !== undefined ? each.pid : []))
        if (victim === 'jobs' || victim === 'web') {
          const pids = pidsOf(victim)
          if (pids.length > 0) kill(random.pick(pids))
          // The tree goes on by itself.
          await sleep(random.between(200, 1_500))
        } else {
          kill(running.pid)
          if (victim === 'everything')
            for (const { pid } of status.processes) if (pid !== undefined) kill(pid)
        }
        await producer.end()
        if (victim === 'supervisor' || victim === 'everything') {
          await running.ended()
          running = start()
        }
      }
      await running.address()
      await using database = new Database({
        path: folder.file('data/app.sqlite3'),
        readers: false,
        logger: recordingLogger(),
      })
      await database.start()
      await using jobs = new Jobs({ database })
      await jobs.start()
      await jobs.recurring.pause('every-second')
      const left = 'select count(*) as n from handcar_jobs where finished_at is null'
      await waitUntil('all jobs have ended', () => database.get<{ n: number }>(left)!.n === 0, 120_000)
      auditJobs(database, acknowledged, killed)
      const { cut } = database.get<{ cut: number }>('select count(*) as cut from runs where ended is null')!
      t.diagnostic(`${acknowledged.length} jobs acknowledged, ${cut} attempts cut short`)
    } catch (error) {
      throw new Error(`${(error as Error).message}\nseed ${random.seed}\n${running.output}`, { cause: error })
    } finally {
      await running[Symbol.asyncDispose]()
    }
  },
)
