import type { Panel } from '../harness/chart.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target, untested, type Target } from '../harness/targets.ts'
import { startField, type ContestantName, type Field } from '../realtime/contestants.ts'

const names: readonly ContestantName[] = [
  'handcar',
  'handcar, ephemeral',
  'socket.io + Redis',
  'ws',
  'handcar, event stream',
  'event stream',
]

const crowds = [100, 500, 1_000] as const
const windows = { 'one after another': 1, '64 on their way': 64 } as const
type WindowName = keyof typeof windows
const windowNames = Object.keys(windows) as WindowName[]

interface Cell {
  readonly name: ContestantName
  readonly clients: (typeof crowds)[number]
}

/** Of one round. */
interface Rate {
  readonly delivered: number
  readonly perSecond: number
  /** Of the server and Redis for each delivered message, in microseconds. */
  readonly cpu: number
}

type Rates = ReadonlyMap<WindowName, Rate>
type Of = (name: ContestantName, clients: number, window: WindowName) => readonly Rate[]

export const scenario: Scenario = {
  description: 'How many messages a second reach 100, 500 and 1,000 clients?',
  minutes: 3,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 3
  const seconds = context.quick ? 0.5 : 1
  await using field = await startField(context, names)
  const cells = crowds.flatMap((clients) => field.names.map((name): Cell => ({ name, clients })))
  const measured = await interleave(rounds, cells, async (cell, round) => {
    if (cell.name === field.names[0]) context.report(`round ${round} of ${rounds}: ${cell.clients} clients`)
    return await measure(field, cell, seconds)
  })
  const of: Of = (name, clients, window) =>
    [...measured]
      .filter(([cell]) => cell.name === name && cell.clients === clients)
      .flatMap(([, found]) => found.map((rates) => rates.get(window)!))
  return {
    rows: windowNames.flatMap((window) => field.names.flatMap((name) => toRow(window, name, of))),
    targets: windowNames.flatMap((window) => targets(window, field, of)),
    notes: [
      `one server process and one channel with so many clients; medians of ${rounds} rounds of ${seconds} s, interleaved, from the first publish until every client had the last message`,
      '"one after another": a message is published when all clients have the one before; "64 on their way": as long as fewer than that are not with all clients',
      'one after another, every system makes a system call for each client and message, which is most of what it does (85 % in profiles); with more on their way, handcar and the event streams write what belongs together at once',
      'CPU: of the server process and of Redis for each delivered message, with 1,000 clients; it does not depend on who else used the machine as the rates do',
      ...field.notes,
    ],
    chart: {
      title: 'Fan-out',
      subtitle: 'messages delivered a second, one server process; higher is better',
      panels: windowNames.map((window) => panel(window, field, of)),
    },
  }
}

async function measure(field: Field, { name, clients }: Cell, seconds: number): Promise<Rates> {
  await using stage = await field.stage(name)
  await stage.connect({ clients, channels: 1, pace: { atOnce: 50 }, isTimed: false })
  await stage.servers[0]!.call('pump', { seconds: 0.3, window: 16 })
  await stage.clients.call('seen', undefined)
  const rates = new Map<WindowName, Rate>()
  for (const window of windowNames) {
    const before = await stage.cpu()
    const pumped = await stage.servers[0]!.call('pump', { seconds, window: windows[window] })
    const after = await stage.cpu()
    const { messages } = await stage.check(clients, pumped.messages)
    const cpu = pumped.cpuSeconds + after.redis - before.redis
    rates.set(window, {
      delivered: messages,
      perSecond: messages / pumped.seconds,
      cpu: (cpu / messages) * 1e6,
    })
  }
  return rates
}

function toRow(window: WindowName, name: ContestantName, of: Of): Row[] {
  const columns = crowds.map((clients) => [
    `${clients} clients`,
    round(median(of(name, clients, window).map(({ perSecond }) => perSecond))),
  ])
  const last = of(name, 1_000, window)
  return [
    {
      section: `messages delivered a second, ${window}`,
      system: name,
      ...(Object.fromEntries(columns) as Record<string, number>),
      'min–max of the last': spread(last.map(({ perSecond }) => perSecond)),
      'CPU µs each': round(median(last.map(({ cpu }) => cpu))),
    },
  ]
}

/** Of ours against a rival: the median of the ratios of the rounds, which ran right after each other. */
function targets(window: WindowName, field: Field, of: Of): Target[] {
  return crowds.flatMap((clients) =>
    (
      [
        ['socket.io + Redis', 2],
        ['ws', 0.8],
      ] as const
    ).map(([rival, limit]) => {
      const what = `${clients} clients, ${window}: delivered a second, handcar / ${rival}`
      if (!field.names.includes(rival)) return untested(what, `≥ ${limit}`, `${rival} is not here`)
      const theirs = of(rival, clients, window)
      const ratios = of('handcar', clients, window).map(
        ({ perSecond }, index) => perSecond / theirs[index]!.perSecond,
      )
      return target(what, median(ratios), '≥', limit, '', spread(ratios))
    }),
  )
}

function panel(window: WindowName, field: Field, of: Of): Panel {
  return {
    title: window,
    kind: 'bar',
    unit: 'messages/s',
    categories: crowds.map((clients) => `${clients} clients`),
    series: field.names.map((name) => ({
      name,
      values: crowds.map((clients) =>
        round(median(of(name, clients, window).map(({ perSecond }) => perSecond))),
      ),
    })),
  }
}
