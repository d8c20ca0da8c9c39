import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Database } from '../../src/database/index.ts'
import {
  cancel,
  defineJob,
  discard,
  Jobs,
  retryAfter,
  snooze,
  type EnqueueOptions,
  type JobContext,
} from '../../src/jobs/index.ts'
import { FakeClock, temporaryDatabase } from '../../src/testing/index.ts'
import { recordingLogger } from '../helpers/recording-logger.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { JobsModel, type ComparedRow, type Ending, type ModelUnique, type Payload } from './jobs-model.ts'
import { Random } from './random.ts'
import { isSoak } from './soak.ts'

const sequences = isSoak ? 20_000 : 300
const operations = 25
/** How many sequences are under way at once, each with a database of its own: they mostly wait. */
const lanes = 6
const slots = 4
const queues = { b: { limit: 2 } }
const limit = 2
const endings: readonly Ending[] = [
  'return',
  'return',
  'complete',
  'throw',
  'throwNothing',
  'snooze',
  'retryAfter',
  'discard',
  'cancel',
]

const compared = `
  select id, state, attempt, scheduled_at, payload, unique_key,
    (select count(*) from handcar_job_errors where job_id = id) as errors
  from handcar_jobs order by id`

/** One random sequence: each operation is done to the jobs and to the model, which must then agree. */
class Sequence {
  readonly #random: Random
  readonly #database: Database
  readonly #clock = new FakeClock()
  readonly #model: JobsModel
  readonly #jobs: Jobs
  /** What ends the jobs that are performed. */
  readonly #performed = new Map<number, (ending: Ending) => void>()
  readonly #history: string[] = []
  readonly #logger = recordingLogger()
  #n = 0
  #effects = 0
  readonly #job = defineJob({
    name: 'job',
    backoff: (attempt) => 1_000 * attempt,
    limit: { key: ({ key }: Payload) => key, count: limit },
    perform: (_: Payload, job) => this.#perform(job),
  })

  constructor(random: Random, database: Database) {
    this.#random = random
    this.#database = database
    this.#model = new JobsModel(this.#clock.now(), slots, limit, { b: 2 })
    this.#jobs = new Jobs({
      database,
      clock: this.#clock,
      logger: this.#logger,
      definitions: [this.#job],
      queues,
      work: { slots, ageing: 0 },
    })
  }

  async run(): Promise<void> {
    for (const table of ['handcar_jobs', 'handcar_job_pauses', 'effects'])
      await this.#database.run(`delete from ${table}`)
    try {
      await this.#jobs.start()
      for (let count = 0; count < operations; count++) {
        await this.#operate()
        await this.#settle()
      }
      await this.#finishAll()
    } catch (error) {
      const lines = [`seed ${this.#random.seed}`, ...this.#history, JSON.stringify(this.#logger.lines)]
      throw new Error(`${(error as Error).message}\n${lines.join('\n')}`, { cause: error })
    } finally {
      await this.#jobs.stop({ timeout: 0 })
    }
  }

  async #perform(job: JobContext): Promise<unknown> {
    const ending = await new Promise<Ending>((resolve, reject) => {
      this.#performed.set(job.id, resolve)
      job.signal.addEventListener('abort', () => reject(job.signal.reason as Error))
    }).finally(() => this.#performed.delete(job.id))
    switch (ending) {
      case 'complete':
        return job.complete((tx) => {
          tx.run('insert into effects values (?)', [job.id])
        })
      case 'throw':
        throw new Error('thrown')
      case 'throwNothing':
        // oxlint-disable-next-line typescript/only-throw-error -- a job may throw anything
        throw undefined
      case 'snooze':
        return snooze(5_000)
      case 'retryAfter':
        return retryAfter(3_000, 'later')
      case 'discard':
        return discard('discarded')
      case 'cancel':
        return cancel('not needed')
      default:
        return undefined
    }
  }

  #note(what: string): void {
    this.#history.push(what)
  }

  async #operate(): Promise<void> {
    const random = this.#random
    const choice = random.next()
    if (choice < 0.35) return this.#enqueue()
    if (choice < 0.4) return this.#rollBack()
    if (choice < 0.7) return this.#end()
    if (choice < 0.8) return this.#passTime()
    if (choice < 0.86) return this.#cancel()
    if (choice < 0.9) return this.#pauseOrResume()
    if (choice < 0.95) return this.#retry()
    return this.#restart()
  }

  #randomOptions(): { options: EnqueueOptions; unique: ModelUnique | undefined; delay: number } {
    const random = this.#random
    const unique: ModelUnique | undefined = random.chance(0.4)
      ? {
          key: `u${random.between(0, 3)}`,
          for: random.chance(0.4) ? random.between(1, 10) * 1_000 : 0,
          while: random.pick(['waiting', 'unfinished']),
          onConflict: random.pick(['keep', 'replace', 'reschedule', 'merge']),
        }
      : undefined
    const merge = (waiting: Payload, added: Payload): Payload => ({ ...added, n: waiting.n + added.n })
    const delay = random.chance(0.3) ? random.between(1, 10) * 1_000 : 0
    const options: EnqueueOptions = {
      queue: random.pick(['a', 'b', 'c']),
      priority: random.between(-1, 2),
      maxAttempts: random.between(1, 4),
      ...(delay > 0 && { in: delay }),
      ...(unique && {
        unique: { ...unique, onConflict: unique.onConflict === 'merge' ? { merge } : unique.onConflict },
      }),
    }
    return { options, unique, delay }
  }

  async #enqueue(): Promise<void> {
    const count = this.#random.chance(0.3) ? this.#random.between(2, 6) : 1
    const { options, unique, delay } = this.#randomOptions()
    const payloads = Array.from({ length: count }, () => this.#payload())
    this.#note(`enqueue ${JSON.stringify(payloads)} ${JSON.stringify({ ...options, unique })}`)
    const handles =
      count === 1
        ? [await this.#jobs.enqueue(this.#job, payloads[0]!, options)]
        : await this.#jobs.enqueueAll(this.#job, payloads, options)
    const at = delay === 0 ? null : this.#model.now + delay
    handles.forEach(({ id, wasEnqueued }, index) => {
      const payload = payloads[index]!
      const holder = this.#model.conflict(unique, payload, at)
      assert.deepEqual([id, wasEnqueued], holder === undefined ? [id, true] : [holder, false], 'the handle')
      if (holder !== undefined) return
      assert.ok(!this.#model.jobs.has(id), 'an id is used once')
      const { queue, maxAttempts } = options as { queue: string; maxAttempts: number }
      this.#model.add({ id, queue, maxAttempts, scheduledAt: at, payload }, unique)
    })
  }

  #payload(): Payload {
    return { key: this.#random.pick(['x', 'y', 'z']), n: ++this.#n }
  }

  async #rollBack(): Promise<void> {
    this.#note('enqueue in a transaction that is rolled back')
    const { options } = this.#randomOptions()
    const payload = this.#payload()
    const body = (): void => {
      void this.#jobs.enqueue(this.#job, payload, options)
      throw new Error('rolled back')
    }
    await assert.rejects(this.#database.write(body), /rolled back/)
  }

  #end(): void {
    const running = this.#model.in('running')
    for (let count = this.#random.between(1, 4); count > 0 && running.length > 0; count--) {
      const [job] = running.splice(this.#random.between(0, running.length), 1)
      const ending = this.#random.pick(endings)
      this.#note(`job ${job!.id} ends: ${ending}`)
      this.#model.end(job!, ending)
      if (ending === 'complete') this.#effects++
      this.#performed.get(job!.id)!(ending)
    }
  }

  #passTime(): void {
    const time = this.#random.chance(0.2)
      ? this.#clock.now() - this.#random.between(1, 20_000)
      : this.#clock.now() + this.#random.between(1, 12_000)
    this.#note(`the time is ${time}, was ${this.#clock.now()}`)
    this.#model.setTime(time)
    this.#clock.set(time)
  }

  async #cancel(): Promise<void> {
    const job = this.#anyOf([...this.#model.jobs.values()])
    if (job === undefined) return
    this.#note(`cancel job ${job.id}`)
    const isOver = ['completed', 'cancelled', 'discarded'].includes(job.state)
    assert.equal(await this.#jobs.cancel(job.id, 'cancelled'), isOver ? 0 : 1)
    this.#model.cancel(job)
  }

  async #retry(): Promise<void> {
    const job = this.#anyOf(
      this.#model.in('retryable', 'cancelled', 'discarded').filter(({ wasDue }) => !wasDue),
    )
    if (job === undefined) return
    this.#note(`retry job ${job.id}`)
    assert.equal(await this.#jobs.retry(job.id), 1)
    this.#model.retry(job)
  }

  async #pauseOrResume(): Promise<void> {
    const queue = this.#random.pick(['a', 'b', 'c'])
    const isPaused = this.#model.paused.has(queue)
    this.#note(`${isPaused ? 'resume' : 'pause'} queue ${queue}`)
    await (isPaused ? this.#jobs.resume(queue) : this.#jobs.pause(queue))
    if (isPaused) this.#model.paused.delete(queue)
    else this.#model.paused.add(queue)
  }

  async #restart(): Promise<void> {
    this.#note('stop and start')
    await this.#jobs.stop({ timeout: 0 })
    this.#model.giveBack()
    await this.#agree(false)
    await this.#jobs.start()
  }

  #anyOf<Value>(values: readonly Value[]): Value | undefined {
    return values.length === 0 ? undefined : this.#random.pick(values)
  }

  async #settle(): Promise<void> {
    await this.#agree(true)
  }

  async #agree(isWorking: boolean): Promise<void> {
    let problem: string | undefined
    const look = (): boolean => {
      const rows = this.#database.all<ComparedRow>(compared)
      problem = this.#model.compare(rows, new Set(this.#performed.keys()), isWorking)
      return problem === undefined
    }
    await waitUntil('the jobs are as the model says', look).catch((error: Error) => {
      throw new Error(`${error.message}: ${problem}`)
    })
  }

  /** Everything ends at last, and left nothing behind. */
  async #finishAll(): Promise<void> {
    this.#note('all end')
    for (const queue of this.#model.paused) await this.#jobs.resume(queue)
    this.#model.paused.clear()
    for (let round = 0; ; round++) {
      const running = this.#model.in('running')
      const waiting = this.#model.in('available', 'scheduled', 'retryable')
      if (running.length === 0 && waiting.length === 0) break
      assert.ok(round < 1_000, 'it comes to an end')
      for (const job of running) {
        this.#model.end(job, 'complete')
        this.#effects++
        this.#performed.get(job.id)!('complete')
      }
      if (running.length === 0) {
        const time = Math.max(this.#clock.now(), ...waiting.map(({ scheduledAt }) => scheduledAt ?? 0))
        this.#model.setTime(time)
        this.#clock.set(time)
      }
      await this.#settle()
    }
    const left = this.#database.get('select count(*) as n from handcar_jobs where blocked <> 0')
    assert.deepEqual(left, { n: 0 })
    assert.deepEqual(this.#database.get('select count(*) as n from effects'), { n: this.#effects })
  }
}

test(`${sequences} random sequences of operations: the jobs are as a model of them says`, async (t) => {
  const random = new Random()
  t.diagnostic(`seed ${random.seed}`)
  const isOne = process.env.HANDCAR_SEED !== undefined
  let left = isOne ? 1 : sequences
  const lane = async (): Promise<void> => {
    await using database = await temporaryDatabase({
      partMigrations: { jobs: Jobs.migrations },
      readers: false,
    })
    await database.run('create table effects (id integer)')
    while (left-- > 0) {
      const seed = isOne ? random.seed : random.between(0, 1_000_000_007)
      await new Sequence(new Random(seed), database).run()
    }
  }
  await Promise.all(Array.from({ length: isOne ? 1 : lanes }, lane))
})
