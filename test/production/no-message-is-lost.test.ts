import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SoakClients } from '../helpers/realtime-soak.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { ProductionApp } from './app.ts'

const channels = new URL('../helpers/realtime-soak-channels.ts', import.meta.url).href

/** Each process publishes now and then; what is published is in a table of its own too, which the checker reads. */
const files = {
  'db/migrations/20260102000000_soak.sql': `
    create table truth (offset integer primary key, room integer not null) strict;
    create table box (client text not null, number integer not null) strict;
    create table quiet (at integer) strict;`,
  'src/channels.js': `
    import { soakChannels } from '${channels}'
    export const { room, lobby, box } = soakChannels
    export const authenticate = (request) => ({ id: new URL(request.url).searchParams.get('token') ?? 'nobody' })`,
  'src/app.js': `
    import { room } from './channels.js'
    export default ({ database, realtime }) => {
      const publish = () => database.write(async (tx) => {
        if (tx.get('select 1 from quiet') !== undefined) return
        const id = Math.floor(Math.random() * 5)
        const offset = await realtime.publish(room, { id }, 'posted', { room: id, text: 'x', at: Date.now() })
        tx.run('insert into truth (offset, room) values (?, ?)', [offset, id])
      })
      setInterval(() => publish().catch(() => {}), 25).unref()
      return {
        async fetch(request) {
          if (new URL(request.url).pathname === '/quiet') await database.run('insert into quiet values (1)')
          return new Response('ok')
        },
      }
    }`,
}

test(
  'reloads, killed processes and a new supervisor: each client gets each message once, in order, and is heard once',
  { timeout: 240_000 },
  async (t) => {
    await using app = new ProductionApp({}, { files })
    const address = await app.address()
    const path = join(app.data, 'app.sqlite3')
    const [state] = await app.rows<{ epoch: string }>('select epoch from handcar_realtime_state')
    await using clients = await SoakClients.start({
      url: `${address}/realtime`,
      path,
      name: 'client',
      count: 60,
      rooms: 5,
      each: 2,
      from: `${state!.epoch}.0`,
      streams: 3,
    })
    await clients.ask({ type: 'untilOpen', timeout: 60_000 })
    await clients.ask({ type: 'send' })
    for (let round = 0; round < 2; round++) {
      app.release(round % 2 === 0 ? 'two' : 'one')
      await app.reload()
      const { processes } = await app.status()
      const web = processes.find(({ kind, pid }) => kind === 'web' && pid !== undefined)
      process.kill(web!.pid!, 'SIGKILL')
      await sleep(500)
    }
    const { pid } = await app.upgrade()
    await waitUntil(
      'the new supervisor is in office',
      async () => {
        const status = await app.status().catch(() => undefined)
        return status?.pid === pid && status.state === 'running'
      },
      30_000,
    )
    await fetch(`${address}/quiet`, { headers: { connection: 'close' } })
    const { problems, ...report } = await clients.check(60_000)
    t.diagnostic(JSON.stringify(report))
    assert.deepEqual(problems, [])
    assert.equal(report.gaps, 0)
    assert.ok(report.messages > 500 && report.sent > 50)
  },
)
