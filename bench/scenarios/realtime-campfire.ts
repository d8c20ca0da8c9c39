import { Latencies } from '../harness/latencies.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import type { Seen } from '../processes/realtime-clients-process.ts'
import { startField, type ContestantName, type Field } from '../realtime/contestants.ts'

const names: readonly ContestantName[] = ['handcar', 'socket.io + Redis', 'ws']
const ours = 'handcar'
const [clients, channels, perSecond] = [1_000, 6, 334]
/** A post goes to those who are in the room, and to the lists of rooms that have something unread. */
const posts = { everyMs: 50, channels: 2 }

/** Of one round. */
interface Evening {
  readonly seen: Seen
  /** Connections a second, from the first request until the last one had all its subscriptions. */
  readonly connected: number
  /** Of the server and Redis, in seconds. */
  readonly cpu: number
}

export const scenario: Scenario = {
  description: 'How is a chat of 1,000 people served who all come within three seconds, while others post?',
  minutes: 2,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 3
  await using field = await startField(context, names)
  const measured = await interleave(rounds, field.names, async (name, round) => {
    context.report(`round ${round} of ${rounds}: ${name}`)
    return await measure(field, name, context.quick ? 70 : 100)
  })
  const found = measured.get(ours)!
  const rates = found.map(({ connected }) => connected)
  const tails = found.map(({ seen }) => Latencies.merge([seen.each]).percentile(99))
  return {
    rows: [...measured].map(([name, evenings]) => toRow(name, evenings)),
    targets: [
      target(
        'connections a second, of 334 that were offered',
        median(rates),
        '≥',
        perSecond * 0.98,
        '',
        spread(rates),
      ),
      target('posts: p99 of the latency to each client', median(tails), '<', 100, 'ms', spread(tails)),
    ],
    notes: [
      `the profile of the load test that Campfire was shown with: ${clients} sockets, ${perSecond} a second, ${channels} subscriptions each, and 100 posts (of which each goes to two of the channels), one each ${posts.everyMs} ms from the first connection on; one server process; ${rounds} rounds, interleaved`,
      `${perSecond} a second is what is offered: nobody can be faster. The rate ends when the last client has its last subscription, so that it is a little below; a connection or subscription that fails fails the run`,
      'latency: from the publish until a client had it, for whoever is subscribed by then; handshake: from the request until the sixth subscription was answered',
      ...field.notes,
    ],
    chart: {
      title: 'The evening of a chat',
      subtitle:
        '1,000 sockets with 6 subscriptions each come within 3 s while 100 posts are made; lower is better',
      panels: (['p50', 'p99'] as const).map((which) => ({
        title: `latency of posts, ${which}`,
        kind: 'ranking',
        unit: 'ms',
        categories: [...measured.keys()],
        series: [
          {
            name: which,
            values: [...measured.values()].map((evenings) => round(summary(evenings, 'each')[which])),
          },
        ],
      })),
    },
  }
}

async function measure(field: Field, name: ContestantName, count: number): Promise<Evening> {
  await using stage = await field.stage(name)
  const server = stage.servers[0]!
  const before = await stage.cpu()
  const posting = server.call('pace', { count, ...posts })
  const seconds = await stage.connect(
    { clients, channels, pace: { perSecond }, isTimed: true },
    { meanwhile: true },
  )
  await posting
  await server.call('pace', { count: 1, ...posts })
  await server.call('settled', undefined)
  const after = await stage.cpu()
  const seen = await stage.clients.call('seen', undefined)
  const cpu = after.servers - before.servers + after.redis - before.redis
  return { seen, connected: clients / seconds, cpu }
}

function summary(evenings: readonly Evening[], what: 'each' | 'all' | 'handshakes') {
  return Latencies.merge(evenings.map(({ seen }) => seen[what])).summary()
}

function toRow(name: ContestantName, evenings: readonly Evening[]): Row {
  const each = summary(evenings, 'each')
  const handshakes = summary(evenings, 'handshakes')
  return {
    section: '1,000 sockets, 6 subscriptions each, 100 posts',
    system: name,
    'connections/s': round(median(evenings.map(({ connected }) => connected))),
    'handshake p50 ms': handshakes.p50,
    'handshake p99 ms': handshakes.p99,
    'post p50 ms': each.p50,
    'post p99 ms': each.p99,
    'post max ms': each.max,
    'CPU s': round(median(evenings.map(({ cpu }) => cpu))),
  }
}
