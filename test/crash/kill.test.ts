import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from 'handcar/database'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { Child } from './child.ts'
import { auditLedger, parseAcknowledgements } from './ledger-audit.ts'
import { clearLedger, ledgerOptions } from './ledger.ts'
import type { LedgerWriterOptions } from './ledger-writer-process.ts'
import { Random } from './random.ts'
import { isSoak } from './soak.ts'

/**
 * SIGKILL. Several processes write to one database; one after the other is killed at a random moment (while it opens,
 * recovers, writes, commits, checkpoints) and replaced while the others go on, then all at once. What each was told is
 * in the file that it appends to. A process that dies leaves the kernel's page cache as it is, so both kinds of
 * durability must survive this.
 */

const kills = isSoak ? 5_000 : 200
const killsPerCycle = 8

for (const coordinated of [false, true]) {
  const beside = coordinated ? 'with' : 'without'
  test(`writers killed at random moments, ${beside} a coordinator`, async (t) => {
    const random = new Random()
    t.diagnostic(`HANDCAR_SEED=${random.seed}`)
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    const total = { kills: 0, acknowledged: 0 }
    for (let cycle = 0; total.kills < kills / 2; cycle++) {
      const scene = new Scene(path, random, `cycle ${cycle}`, coordinated)
      await scene.play()
      const acknowledged = scene.acknowledged()
      total.kills += scene.kills
      total.acknowledged += [...acknowledged.values()].reduce((sum, numbers) => sum + numbers.length, 0)
      const context = `cycle ${cycle}, HANDCAR_SEED=${random.seed}`
      assert.deepEqual(scene.complaints().slice(0, 2), [], context)
      assert.deepEqual(await auditFile(path, acknowledged, random.chance(0.8)), [], context)
    }
    t.diagnostic(`${total.kills} kills, ${total.acknowledged} acknowledged transactions`)
    assert.ok(
      total.acknowledged > total.kills,
      'too few writes were acknowledged for the test to mean anything',
    )
  })
}

/** One cycle: processes are started, killed and replaced, and in the end all are killed. */
class Scene {
  kills = 0
  readonly #path: string
  readonly #acknowledgements: string
  readonly #random: Random
  readonly #name: string
  readonly #all: Child[] = []
  readonly #living: Child[] = []

  constructor(path: string, random: Random, name: string, coordinated: boolean) {
    this.#path = path
    this.#acknowledgements = `${path}.acknowledged`
    writeFileSync(this.#acknowledgements, '')
    this.#random = random
    this.#name = name
    if (coordinated) this.#startCoordinator()
    for (let count = 0; count < 3; count++) this.#startWriter()
  }

  async play(): Promise<void> {
    while (this.kills < killsPerCycle - this.#living.length) {
      await this.#randomMoment()
      const [victim] = this.#living.splice(this.#random.between(0, this.#living.length), 1)
      const killed = victim!.kill()
      this.kills++
      if (victim!.name === 'coordinator-process') this.#startCoordinator()
      else this.#startWriter()
      if (this.#random.chance(0.3)) await killed
    }
    await this.#randomMoment()
    this.kills += this.#living.length
    for (const child of this.#living) child.signal('SIGKILL')
    await Promise.all(this.#all.map((child) => child.ended))
  }

  acknowledged(): Map<string, number[]> {
    return parseAcknowledgements(readFileSync(this.#acknowledgements, 'utf8'))
  }

  /** Processes that did not live until they were killed, and what anybody wrote to standard error. */
  complaints(): string[] {
    return this.#all.flatMap(({ exitCode, errors }) => [
      ...(exitCode === null ? [] : [`a process ended by itself with ${exitCode}`]),
      ...(errors === '' ? [] : [errors]),
    ])
  }

  #startWriter(): void {
    const options: LedgerWriterOptions = {
      path: this.#path,
      acknowledgements: this.#acknowledgements,
      writer: `${this.#name} writer ${this.#all.length}`,
      durability: this.#random.pick(['disk', 'os']),
      inFlight: this.#random.between(1, 17),
      payload: this.#random.pick([10, 300, 3_000]),
      checkpointer: this.#random.pick([undefined, false, { passiveFrames: 10, restartFrames: 40 }]),
    }
    this.#begin(new Child('ledger-writer-process', options))
  }

  #startCoordinator(): void {
    const checkpointer = { passiveFrames: 20, restartFrames: 100 }
    this.#begin(new Child('coordinator-process', { path: this.#path, checkpointer }))
  }

  #begin(child: Child): void {
    this.#all.push(child)
    this.#living.push(child)
  }

  /** Mostly while all are at work, sometimes while they still start. */
  async #randomMoment(): Promise<void> {
    if (this.#random.chance(0.7)) await Promise.all(this.#living.map((child) => child.started))
    await sleep(this.#random.next() * 30)
  }
}

async function auditFile(
  path: string,
  acknowledged: ReadonlyMap<string, readonly number[]>,
  clear: boolean,
): Promise<string[]> {
  await using database = new Database({ ...ledgerOptions, path, readers: false })
  await database.start()
  const problems = auditLedger(database, acknowledged)
  if (clear) await clearLedger(database)
  return problems
}
