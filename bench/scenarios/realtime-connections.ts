import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import { startField, type ContestantName, type Field } from '../realtime/contestants.ts'

const names: readonly ContestantName[] = [
  'handcar',
  'socket.io + Redis',
  'ws',
  'handcar, event stream',
  'event stream',
]
const ours = 'handcar'
const warmUp = 200
const storm = { clients: 1_000, atOnce: 250, missed: 100 } as const

/** Of one round. */
interface Crowd {
  /** Handshakes with one subscription each, a second. */
  readonly perSecond: number
  /** Of the server and Redis for each, in microseconds. */
  readonly cpu: number
  /** Of the server process for each connection that does nothing, in bytes. */
  readonly bytes: number
  /** Until all were back and had everything that they were sent. */
  readonly backMs: number
  /** Messages that a client never got. */
  readonly missed: number
}

export const scenario: Scenario = {
  description: 'What do connections cost, and how soon are 1,000 clients back that were cut off?',
  minutes: 3,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 3
  const clients = context.quick ? 1_000 : 3_000
  await using field = await startField(context, names)
  const measured = await interleave(rounds, field.names, async (name, round) => {
    context.report(`round ${round} of ${rounds}: ${name}`)
    return await measure(field, name, clients)
  })
  const of = (name: ContestantName, what: keyof Crowd): number[] =>
    measured.get(name)!.map((crowd) => crowd[what])
  const beyond = of(ours, 'bytes').map((bytes, index) => (bytes - of('ws', 'bytes')[index]!) / 1024)
  return {
    rows: field.names.flatMap((name) => toRows(name, (what) => of(name, what))),
    targets: [
      target('memory of an idle connection beyond ws', median(beyond), '<', 15, 'KB', spread(beyond)),
      target('messages missed in the storm', Math.max(...of(ours, 'missed')), '≤', 0),
    ],
    notes: [
      `one server process; medians of ${rounds} rounds, interleaved`,
      `connections: ${clients}, 50 handshakes at a time, each with one subscription that is answered, after ${warmUp} that warmed the process up and left; memory: what the process has grown by, after garbage was collected, divided by them; the kernel's memory for sockets is not in it`,
      `storm: ${storm.clients} clients are cut off, ${storm.missed} messages are published while they are away, then all come back, ${storm.atOnce} handshakes at a time, and one more is published; until every client has it and all before it that it is ever sent`,
      ...field.notes,
    ],
    chart: {
      title: 'Connections',
      subtitle: 'memory of a connection that does nothing; return of 1,000 clients; lower is better',
      panels: [
        {
          title: 'memory of an idle connection',
          kind: 'ranking',
          unit: 'KB',
          categories: field.names,
          series: [
            {
              name: 'memory',
              values: field.names.map((name) => round(median(of(name, 'bytes')) / 1024)),
            },
          ],
        },
        {
          title: 'until 1,000 clients are back',
          kind: 'ranking',
          unit: 'ms',
          categories: field.names,
          series: [{ name: 'back', values: field.names.map((name) => round(median(of(name, 'backMs')))) }],
        },
      ],
    },
  }
}

async function measure(field: Field, name: ContestantName, clients: number): Promise<Crowd> {
  await using stage = await field.stage(name)
  const server = stage.servers[0]!
  const plan = { channels: 1, isTimed: false, pace: { atOnce: 50 } }
  await stage.connect({ ...plan, clients: warmUp })
  await stage.clients.call('disconnect', undefined)
  const empty = await server.call('memory', undefined)
  const before = await stage.cpu()
  const seconds = await stage.connect({ ...plan, clients })
  const after = await stage.cpu()
  const full = await server.call('memory', undefined)
  await stage.clients.call('disconnect', undefined)
  const cpu = after.servers - before.servers + after.redis - before.redis
  return {
    perSecond: clients / seconds,
    cpu: (cpu / clients) * 1e6,
    bytes: (full - empty) / clients,
    ...(await measureStorm(field, name)),
  }
}

async function measureStorm(field: Field, name: ContestantName): Promise<Pick<Crowd, 'backMs' | 'missed'>> {
  await using stage = await field.stage(name)
  const server = stage.servers[0]!
  const plan = { channels: 1, isTimed: false, clients: storm.clients }
  await stage.connect({ ...plan, pace: { atOnce: 50 } })
  await server.call('pace', { count: 20, everyMs: 10 })
  await server.call('settled', undefined)
  const from = await server.call('position', undefined)
  await stage.check(storm.clients, 20)
  await stage.clients.call('disconnect', undefined)
  const numbers = await server.call('published', undefined)
  await server.call('pace', { count: storm.missed, everyMs: 1 })
  const startedAt = performance.now()
  await stage.connect({ ...plan, pace: { atOnce: storm.atOnce }, from, mayMiss: true }, { numbers })
  await server.call('pace', { count: 1, everyMs: 0 })
  await stage.clients.call('caughtUp', await server.call('published', undefined))
  const backMs = performance.now() - startedAt
  const { missed } = await stage.check(storm.clients, storm.missed + 1)
  return { backMs, missed: missed / storm.clients }
}

function toRows(name: ContestantName, of: (what: keyof Crowd) => number[]): Row[] {
  return [
    {
      section: 'connections',
      system: name,
      'connections/s': round(median(of('perSecond'))),
      'min–max': spread(of('perSecond')),
      'CPU µs each': round(median(of('cpu'))),
      'KB each, idle': round(median(of('bytes')) / 1024),
      'min–max KB': spread(of('bytes').map((bytes) => bytes / 1024)),
    },
    {
      section: `storm of ${storm.clients}`,
      system: name,
      'all back, ms': round(median(of('backMs'))),
      'min–max ms': spread(of('backMs')),
      'messages missed by each': Math.max(...of('missed')),
    },
  ]
}
