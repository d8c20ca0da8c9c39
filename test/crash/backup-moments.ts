import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { restoreFromReplicas, type LitestreamLine } from '../../src/backup/index.ts'
import { readReplicas } from '../../src/backup/litestream/replica.ts'
import type { BackupTarget } from '../helpers/backup-targets.ts'
import { LedgerLoad, type Commit } from '../helpers/ledger-load.ts'
import { litestreams } from '../helpers/litestream.ts'
import { ReplicatedMachine } from '../helpers/replicated-machine.ts'
import { auditRestored, distribution } from './backup-audit.ts'
import { Random } from './random.ts'

/** What happens to a machine while its history is made. */
const events = ['pause', 'kill litestream', 'restart', 'kill everything', 'reload', 'go back'] as const
type Event = (typeof events)[number]

/** What was acknowledged in one history of the database, which ends where somebody restores an older state in its place. */
interface Timeline {
  /** Nothing of it was written before. Milliseconds since 1970. */
  from: number
  /** What it began with. */
  base: Commit[]
  load: LedgerLoad
}

/**
 * A machine with a past: it was written to with pauses, its Litestream was killed, the app was stopped and started, everything was killed,
 * an older state was restored in its place. Then random moments of all that are restored; a half of them lies close to an event.
 *
 * Each must be a state that the database has had: whole, nothing younger than the moment, and everything that the status had told to be
 * replicated until then. Before the beginning there is nothing, which is said.
 */
export class Past implements AsyncDisposable {
  readonly #random = new Random()
  readonly #machine: ReplicatedMachine
  readonly #target: BackupTarget
  readonly #line: LitestreamLine
  readonly #timelines: Timeline[] = []
  readonly #edges: number[] = []
  readonly #lags: number[] = []
  #refused = 0

  constructor(line: LitestreamLine, target: BackupTarget) {
    this.#line = line
    this.#target = target
    this.#machine = new ReplicatedMachine({ line, target })
  }

  /** Lets as many things happen, each once, in any order. Default: everything that can. */
  async make(count: number = events.length): Promise<void> {
    await this.#start([])
    const rest: Event[] = [...events]
    while (rest.length > events.length - count) {
      await this.#write()
      await this.#happen(rest.splice(this.#random.between(0, rest.length), 1)[0]!)
    }
    await this.#write()
    await this.#end()
  }

  /** Restores so many moments. */
  async restore(count: number): Promise<void> {
    const from = this.#edges[0]! - 1_000
    const to = Date.now()
    for (let round = 0; round < count; round++) {
      const at = this.#random.chance(0.5)
        ? this.#random.between(from, to)
        : Math.min(to, this.#random.pick(this.#edges) + this.#random.between(-1_500, 1_500))
      try {
        await this.#restoreOne(at)
      } catch (error) {
        throw new Error(`${this.#describe(at)}: ${(error as Error).message}`, { cause: error })
      }
    }
  }

  tell(context: TestContext): void {
    context.diagnostic(
      `HANDCAR_SEED=${this.#random.seed}, ${this.#edges.length} events, ${this.#refused} moments refused, what is missing at a moment was acknowledged before it: ${distribution(this.#lags)}`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#timelines.at(-1)?.load.end()
    await this.#machine[Symbol.asyncDispose]()
  }

  async #happen(event: Event): Promise<void> {
    const { load } = this.#timelines.at(-1)!
    this.#edges.push(Date.now())
    if (event === 'pause') {
      load.pause()
      await this.#machine.untilReplicated()
      await sleep(this.#random.between(500, 2_500))
      load.resume()
    } else if (event === 'kill litestream') {
      await this.#machine.kill('litestream')
      await load.untilMore(this.#random.between(50, 300))
    } else if (event === 'reload') {
      const { code, errors } = await this.#machine.run(['reload'])
      assert.equal(code, 0, errors)
    } else if (event === 'go back') await this.#goBack()
    else {
      load.pause()
      if (event === 'kill everything') await this.#machine.kill('everything')
      await this.#machine.stop()
      this.#edges.push(Date.now())
      await sleep(this.#random.between(0, 2_000))
      load.address = await this.#machine.start()
      load.resume()
    }
    this.#edges.push(Date.now())
  }

  /** An older state takes the place of the database, and from there it goes on. */
  async #goBack(): Promise<void> {
    const { commits } = this.#current()
    await this.#end()
    const at = this.#random.pick(commits.slice(commits.length >> 1)).at
    const { code, output, errors } = await this.#machine.run(['restore', '--at', new Date(at).toISOString()])
    assert.equal(code, 0, output + errors)
    const { kept } = await auditRestored(this.#machine.database, commits)
    this.#assertNotYounger(kept, at)
    await this.#start(kept)
  }

  async #start(base: Commit[]): Promise<void> {
    const from = Date.now()
    const address = await this.#machine.start()
    this.#edges.push(Date.now())
    const load = new LedgerLoad(address, `history ${this.#timelines.length}`, { writers: 2 })
    this.#timelines.push({ from, base, load })
  }

  async #end(): Promise<void> {
    await this.#timelines.at(-1)!.load.end()
    await this.#machine.stop()
    this.#edges.push(Date.now())
  }

  /** Something is written, and some of it is replicated. */
  async #write(): Promise<void> {
    const { load } = this.#timelines.at(-1)!
    await load.untilMore(this.#random.between(20, 300))
    await this.#machine.untilReplicated()
    await load.untilMore(1)
  }

  async #restoreOne(at: number): Promise<void> {
    const to = this.#machine.folder.file('moment')
    // Where the times of files are cut to seconds, what was sent in the second of a moment may be younger and is left out.
    const { type } = this.#target.replica
    const isExact = type === 'folder' || (type === 's3' && this.#line === '0.5')
    const sentBefore = isExact ? at : Math.floor(at / 1_000) * 1_000
    const told = this.#machine.claims.filter(({ toldAt }) => toldAt <= sentBefore)
    try {
      const [restored] = await restoreFromReplicas({
        databases: [{ name: 'app', path: this.#machine.database }],
        replicas: readReplicas([this.#target.replica], 'test'),
        binary: { path: litestreams[this.#line].path, line: this.#line },
        environment: this.#target.environment,
        now: Date.now(),
        at,
        to,
      })
      await this.#audit(restored!.path, at, told)
    } catch (error) {
      if ((error as { code?: string }).code !== 'HANDCAR_BACKUP_EMPTY') throw error
      assert.match(
        (error as Error).message,
        /^The oldest state of the database "app" .* is of 20|begins within the second of 20/,
      )
      assert.deepEqual(told, [], 'there was something to restore')
      this.#refused++
    } finally {
      rmSync(to, { recursive: true, force: true })
    }
  }

  /** Whichever history was the one of this moment: while it begins, the replica may know the one before only. */
  async #audit(path: string, at: number, told: readonly { until: number }[]): Promise<void> {
    const failures: unknown[] = []
    const until = Math.max(0, ...told.map((claim) => claim.until))
    for (const timeline of this.#timelines.filter(({ from }) => from <= at).toReversed()) {
      try {
        const { kept, lost } = await auditRestored(path, this.#commitsOf(timeline))
        this.#assertNotYounger(kept, at)
        const missing = lost.filter((commit) => commit.at < until)
        assert.deepEqual(missing.slice(0, 1), [], `${missing.length} are missing that were called replicated`)
        const older = lost.filter((commit) => commit.at < at).map((commit) => at - commit.at)
        return void this.#lags.push(Math.max(0, ...older))
      } catch (error) {
        failures.push(error)
        // Something of this history was replicated by then.
        if (until > timeline.from) break
      }
    }
    throw failures[0]
  }

  #assertNotYounger(kept: readonly Commit[], at: number): void {
    const younger = kept.filter(({ sentAt }) => sentAt > at)
    assert.deepEqual(younger.slice(0, 1), [], `${younger.length} are younger than the moment ${at}`)
  }

  #current(): { commits: Commit[] } {
    return { commits: this.#commitsOf(this.#timelines.at(-1)!) }
  }

  #commitsOf({ base, load }: Timeline): Commit[] {
    return [...base, ...load.commits]
  }

  #describe(at: number): string {
    const edges = this.#edges.map((edge) => edge - at).join(' ')
    return `The moment ${at}, events at ${edges} ms from it, HANDCAR_SEED=${this.#random.seed}`
  }
}
