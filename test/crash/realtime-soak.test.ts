import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SoakReport } from '../helpers/realtime-soak-clients-process.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { Soak, type SoakWeb } from '../helpers/realtime-soak.ts'
import { Random } from './random.ts'
import { isSoak } from './soak.ts'

const rooms = 20

/** No message is lost, comes twice or out of order, for nobody; what was sent was handled once. */
async function assertWhole(soak: Soak, t: TestContext, timeout = 120_000): Promise<SoakReport[]> {
  const reports: SoakReport[] = []
  for (const clients of soak.clients) reports.push(await clients.check(timeout))
  for (const report of reports) t.diagnostic(JSON.stringify(report))
  assert.deepEqual(
    reports.flatMap(({ problems }) => problems),
    [],
  )
  return reports
}

/** Everybody sees exactly those who are there. */
async function assertPresence(soak: Soak, timeout = 30_000): Promise<void> {
  for (const id of [0, 1, 2]) {
    const users: string[] = []
    for (const [name, clients] of soak.clients.entries()) {
      const { open = 0 } = await clients.ask<{ open?: number }>({ type: 'states' })
      for (let index = 0; index < open; index += 4)
        if (index % 3 === id) users.push(`client-${name}-${index}`)
    }
    users.sort()
    for (const clients of soak.clients) await clients.ask({ type: 'untilPresent', id, users, timeout })
  }
}

const sizes = isSoak ? [200, 1_000, 5_000] : [200]

for (const sockets of sizes)
  test(
    `${sockets} clients over 2 processes that publish, are killed, stopped, overrun and reloaded: each has everything once, in order`,
    { timeout: 3_600_000 },
    async (t) => {
      const random = new Random()
      t.diagnostic(`seed ${random.seed}`)
      await using soak = await Soak.start(2, { retention: { count: false, bytes: false } })
      const connectedAt = performance.now()
      await soak.connect(sockets, { rooms, each: 2, processes: sockets > 1_000 ? 2 : 1 })
      t.diagnostic(`${sockets} connected in ${Math.round(performance.now() - connectedAt)} ms`)
      // All that a machine of 2 cores can hand out and take in.
      const rate = sockets > 1_000 ? 5 : 100
      for (const web of soak.webs) await web.ask({ type: 'publish', rate, rooms })
      for (const clients of soak.clients) await clients.ask({ type: 'send' })
      const gone: number[] = []
      const actions = ['kill', 'reload', 'stop', 'burst', 'kill all'] as const
      const rounds = isSoak ? 20 : 5
      for (let round = 0; round < rounds; round++) {
        await sleep(random.between(200, 1_200))
        const web = random.pick(soak.webs)
        const action = actions[round % actions.length]!
        if (action === 'kill') {
          const crowded = (): SoakWeb | undefined =>
            soak.webs.find(({ child }) => soak.presencesOf(child.pid) > 0)
          await waitUntil('somebody is present somewhere', crowded, 60_000)
          const victim = soak.takeWeb(crowded()!)
          await victim.child.kill()
          gone.push(await soak.untilGone(victim.child.pid, 30_000))
          await (await soak.addWeb()).ask({ type: 'publish', rate, rooms })
        } else if (action === 'reload') {
          await (await soak.addWeb()).ask({ type: 'publish', rate, rooms })
          await soak.takeWeb(web).drain()
        } else if (action === 'stop') {
          web.child.signal('SIGSTOP')
          await sleep(random.between(200, 2_000))
          web.child.signal('SIGCONT')
        } else if (action === 'burst') {
          await web.ask({
            type: 'burst',
            room: random.between(0, rooms),
            count: sockets > 1_000 ? 200 : 1_000,
            bytes: 500,
          })
        } else {
          for (const each of soak.webs.splice(0)) await each.child.kill()
          for (let count = 0; count < 2; count++)
            await (await soak.addWeb()).ask({ type: 'publish', rate, rooms })
        }
      }
      for (const web of soak.webs) await web.ask({ type: 'quiet' })
      for (const clients of soak.clients) await clients.ask({ type: 'untilOpen', timeout: 120_000 })
      await assertPresence(soak, 60_000)
      const reports = await assertWhole(soak, t, 300_000)
      assert.ok(reports.every(({ gaps }) => gaps === 0))
      for (const web of soak.webs) {
        const { connections, rss } = await web.stats()
        t.diagnostic(JSON.stringify({ rss, ...connections }))
      }
      t.diagnostic(`presences of killed processes ended after ${gone.map(Math.round).join(', ')} ms`)
    },
  )
