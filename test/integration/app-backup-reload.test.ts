import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { processesWith } from '../../src/backup/litestream/process-record.ts'
import type { LitestreamLine } from '../../src/backup/index.ts'
import { auditRestored } from '../crash/backup-audit.ts'
import { backupTargets } from '../helpers/backup-targets.ts'
import { LedgerLoad, type Commit } from '../helpers/ledger-load.ts'
import { litestreams } from '../helpers/litestream.ts'
import { childrenOf, isAlive } from '../helpers/processes.ts'
import { ReplicatedMachine } from '../helpers/replicated-machine.ts'
import { waitUntil } from '../helpers/wait-until.ts'

/** Looks all the time how many Litestreams run on the data of a machine. */
class Census implements AsyncDisposable {
  most = 0
  #isEnded = false
  readonly #done: Promise<void>

  constructor(machine: ReplicatedMachine) {
    this.#done = this.#count(join(machine.data, '.backup/litestream.yml'))
  }

  async #count(config: string): Promise<void> {
    while (!this.#isEnded) {
      this.most = Math.max(this.most, (await processesWith(config)).length)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true
    await this.#done
  }
}

const lines = ['0.3', '0.5'] as const

for (const line of lines)
  test(
    `after the supervisor, its guard, or everything was killed the next start finds its way: one Litestream at a time (${line})`,
    {
      skip:
        litestreams[line].isMissing || (process.platform !== 'linux' && 'only Linux tells of all processes'),
      timeout: 240_000,
    },
    async () => {
      await using target = await backupTargets.folder.start()
      await using machine = new ReplicatedMachine({ line, target })
      await using census = new Census(machine)
      const commits: Commit[] = []
      for (const victims of [
        ['supervisor'],
        ['supervisor', 'guard'],
        ['supervisor', 'guard', 'web', 'litestream'],
      ]) {
        await using load = new LedgerLoad(await machine.start(), victims.join(' and '))
        await load.untilMore(20)
        await machine.untilReplicated()
        await load.untilMore(20)
        const { tree, backup } = await machine.status()
        const pids: Record<string, number[]> = {
          supervisor: [tree.pid],
          guard: childrenOf(tree.pid, 'handcar-guard'),
          web: tree.processes.flatMap(({ pid }) => pid ?? []),
          litestream: [backup.pid!],
        }
        for (const pid of victims.flatMap((victim) => pids[victim]!)) process.kill(pid, 'SIGKILL')
        await load.end()
        commits.push(...load.commits)
      }
      await using load = new LedgerLoad(await machine.start(), 'last')
      await load.untilMore(20)
      await load.end()
      await waitUntil(
        'everything is replicated',
        async () => (await machine.status()).backup.databases[0]!.replicas[0]!.lag === 0,
        60_000,
      )
      await machine.stop()
      const { lost } = await auditRestored(machine.database, [...commits, ...load.commits])
      assert.deepEqual(lost, [], 'what was acknowledged is in the database')
      const restored = await machine.run(['restore', '--to', machine.folder.file('look')])
      assert.equal(restored.code, 0, restored.errors)
      const audit = await auditRestored(machine.folder.file('look/app.sqlite3'), [
        ...commits,
        ...load.commits,
      ])
      assert.deepEqual(audit.lost, [], 'and in the replica')
      assert.equal(census.most, 1)
    },
  )

for (const line of lines)
  test(
    `reloads, a new supervisor, a stop and a start under load: one Litestream at a time, and nothing is missing (${line})`,
    { skip: litestreams[line].isMissing, timeout: 240_000 },
    async (context) => await play(line, context),
  )

async function play(line: LitestreamLine, context: TestContext): Promise<void> {
  await using target = await backupTargets.folder.start()
  await using machine = new ReplicatedMachine({ line, target })
  await using census = new Census(machine)
  const replica = (target.replica as { path: string }).path
  const generations = (): number => {
    const folder = join(replica, 'app/generations')
    return existsSync(folder) ? readdirSync(folder).length : 0
  }
  const owner = (): { token: string; releasedAt?: number } =>
    JSON.parse(readFileSync(join(replica, 'handcar-owner.json'), 'utf8'))
  const runs = async (): Promise<number> => {
    const { backup } = await machine.status()
    assert.equal(backup.problem, undefined)
    return backup.pid!
  }
  const untilReplicated = async (): Promise<void> =>
    await waitUntil(
      'everything is replicated',
      async () => (await machine.status()).backup.databases[0]!.replicas[0]!.lag === 0,
      60_000,
    )

  await using load = new LedgerLoad(await machine.start(), 'load')
  await load.untilMore(20)
  await machine.untilReplicated()
  const first = await runs()
  const generationsBefore = generations()

  for (let count = 0; count < 2; count++) {
    const reload = await machine.run(['reload'])
    assert.equal(reload.code, 0, reload.output + reload.errors)
    await load.untilMore(20)
  }
  assert.equal(await runs(), first, 'a reload leaves Litestream alone')
  assert.equal(generations(), generationsBefore)

  const { token } = owner()
  const upgrade = machine.run(['reload', '--supervisor'])
  let wasReleased = false
  while (owner().token === token && isAlive(first)) {
    wasReleased ||= owner().releasedAt !== undefined
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const { code, output, errors } = await upgrade
  assert.equal(code, 0, output + errors)
  assert.equal(wasReleased, false, 'nobody else gets the replica meanwhile')
  await load.untilMore(20)
  await waitUntil('the next one runs', async () => (await machine.status()).backup.pid !== undefined, 30_000)
  assert.notEqual(await runs(), first)
  await load.untilMore(20)
  const generationsAfterUpgrade = generations() - generationsBefore
  assert.ok(generationsAfterUpgrade <= 1, `${generationsAfterUpgrade} new generations`)

  await load.end()
  await untilReplicated()
  const stopped = await machine.run(['stop'])
  assert.equal(stopped.code, 0, stopped.errors)
  assert.ok(owner().releasedAt !== undefined)
  const restored = await machine.run(['restore', '--to', machine.folder.file('look')])
  assert.equal(restored.code, 0, restored.errors)
  const { lost } = await auditRestored(machine.folder.file('look/app.sqlite3'), load.commits)
  assert.deepEqual(lost, [])

  const beforeStart = generations()
  await using more = new LedgerLoad(await machine.start(), 'more')
  await more.untilMore(20)
  await machine.untilReplicated()
  await more.end()
  await untilReplicated()
  await machine.stop()
  const after = await machine.run(['restore', '--to', machine.folder.file('again')])
  assert.equal(after.code, 0, after.errors)
  const audit = await auditRestored(machine.folder.file('again/app.sqlite3'), [
    ...load.commits,
    ...more.commits,
  ])
  assert.deepEqual(audit.lost, [])
  context.diagnostic(
    `new generations: ${generationsAfterUpgrade} by the new supervisor, ${generations() - beforeStart} by stop and start; ${load.failures} requests were not answered`,
  )
  assert.equal(census.most, 1)
}
