import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { LitestreamLine } from '../../src/backup/index.ts'
import type { BackupTarget } from '../helpers/backup-targets.ts'
import { LedgerLoad, type Commit } from '../helpers/ledger-load.ts'
import { ReplicatedMachine, type Victim } from '../helpers/replicated-machine.ts'
import { auditClaims, auditRestored, distribution } from './backup-audit.ts'
import { Random } from './random.ts'
import { isSoak } from './soak.ts'

const victims = ['everything', 'litestream', 'web', 'supervisor'] as const satisfies Victim[]

/** Who is behind by more than this has a problem that everybody is told of: the default of the setting `lagAlarm`, in milliseconds. */
const lagAlarm = 15_000
/** What is lost should be younger, in milliseconds: it is sent each second, and the WAL is read four times in it. */
const expectedAge = 2_000

/** How a machine was lost. Times in milliseconds since 1970. */
interface End {
  victim: Victim
  at: number
  /** From when on Litestream did not run; `at` when it ran to the end. */
  replicatedUntil: number
}

/** What was acknowledged and is not in the backup: the ages in milliseconds at the end of the machine. */
interface Loss extends End {
  ages: number[]
  kept: number
}

/**
 * Machines that are lost one after the other, under write load: a process is killed, or all of them, and at some progress after that the
 * machine is gone with its whole data folder. The next one begins with what `handcar restore` brings back.
 *
 * What is restored never has half a transaction, has everything before its newest, and everything that the status had told to be replicated.
 * How old that was what is lost is printed. On a machine that has too much to do it may be older than the second or two that it should be,
 * but never so old that it would have been an alarm.
 */
export class Losses implements AsyncDisposable {
  readonly #losses: Loss[] = []
  readonly #random = new Random()
  readonly #machines = new AsyncDisposableStack()
  readonly #line: LitestreamLine
  readonly #target: BackupTarget
  /** What was acknowledged, and is there or may be. */
  #commits: Commit[] = []

  constructor(line: LitestreamLine, target: BackupTarget) {
    this.#line = line
    this.#target = target
  }

  async play(rounds: number): Promise<void> {
    let machine = this.#newMachine()
    for (let round = 0; round < rounds; round++) {
      const victim = victims[round % victims.length]!
      try {
        const end = await this.#lose(machine, `round ${round}`, victim)
        const next = this.#newMachine()
        await this.#restore(next, machine, end)
        await machine[Symbol.asyncDispose]()
        machine = next
      } catch (error) {
        const what = `round ${round}, ${victim}, HANDCAR_SEED=${this.#random.seed}`
        throw new Error(`${what}: ${(error as Error).message}\n${machine.output}`, { cause: error })
      }
    }
    if (isSoak) this.#assertRecent()
  }

  /** Prints how much, and how old, was lost. */
  tell(context: TestContext): void {
    context.diagnostic(`HANDCAR_SEED=${this.#random.seed}, ${this.#losses.at(-1)?.kept} transactions kept`)
    for (const victim of victims) {
      const of = this.#losses.filter((loss) => loss.victim === victim)
      if (of.length === 0) continue
      const oldest = distribution(of.map(({ ages }) => Math.max(0, ...ages)))
      const all = distribution(of.flatMap(({ ages }) => ages))
      context.diagnostic(`${victim}: oldest of each round ${oldest}; age of each lost transaction ${all}`)
    }
  }

  /** Asked for only where nobody else uses the machine. */
  #assertRecent(): void {
    const alive = this.#losses.filter(({ at, replicatedUntil }) => at === replicatedUntil)
    const oldest = alive.map(({ ages }) => Math.max(0, ...ages)).toSorted((one, other) => one - other)
    const median = oldest[Math.floor(oldest.length / 2)]!
    assert.ok(median <= expectedAge, `in the middle, what was lost was up to ${median} ms old`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#machines[Symbol.asyncDispose]()
  }

  #newMachine(): ReplicatedMachine {
    return this.#machines.use(new ReplicatedMachine({ line: this.#line, target: this.#target }))
  }

  async #lose(machine: ReplicatedMachine, name: string, victim: Victim): Promise<End> {
    const load = new LedgerLoad(await machine.start(), name)
    try {
      await load.untilMore(1)
      await machine.untilReplicated()
      await load.untilMore(this.#random.between(1, 800))
      let at = await machine.kill(victim)
      let replicatedUntil = Infinity
      if (victim === 'web' || victim === 'litestream') {
        if (victim === 'litestream') replicatedUntil = at
        if (this.#random.chance(0.3)) {
          await machine.untilReplicated()
          replicatedUntil = Infinity
        }
        await load.untilMore(this.#random.between(0, 400))
        at = await machine.kill('everything')
      }
      await machine.ended()
      return { victim, at, replicatedUntil: Math.min(at, replicatedUntil) }
    } finally {
      await load.end()
      this.#commits.push(...load.commits)
    }
  }

  async #restore(next: ReplicatedMachine, before: ReplicatedMachine, end: End): Promise<void> {
    before.lose()
    const { code, output, errors } = await next.run(['restore', '--take-over'])
    assert.equal(code, 0, output + errors)
    const { kept, lost } = await auditRestored(next.database, this.#commits)
    auditClaims(before.claims, lost)
    const ages = lost.map(({ at }) => Math.max(0, end.at - at))
    const bound = lagAlarm + (end.at - end.replicatedUntil)
    assert.ok(Math.max(0, ...ages) < bound, `what was lost was up to ${Math.max(0, ...ages)} ms old`)
    this.#losses.push({ ...end, ages, kept: kept.length })
    this.#commits = kept
  }
}
