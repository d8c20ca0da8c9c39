import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Panel } from '../harness/chart.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { openRaw } from '../harness/sqlite.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import { wrkIsMissing } from '../load/pages.ts'
import { seed } from '../lorem-news/application.ts'
import { BuiltInstallation } from '../production/installation.ts'
import { measurePages, servedColumns, startHandcar, startPlainServer } from '../production/served.ts'
import type { ServedPages, ServingProcesses } from '../production/served.ts'

const connections = 32
const postsAskedFor = 50

/** One line of the result: a server, and what is asked of it. */
interface Variant {
  readonly section: string
  readonly name: string
  readonly paths: readonly string[]
  readonly marker: string
  readonly newConnections?: boolean
  start(): Promise<ServingProcesses>
}

type Measured = ReadonlyMap<Variant, readonly ServedPages[]>

const keptHello = `hello, ${connections} kept connections`
const newHello = `hello, a new connection for each request, ${connections} at once`
const index = 'Lorem News, the 50 newest posts'
const post = 'Lorem News, a post with its comments'
const hono = 'Hono on node-server'
const handcar = 'handcar start'

export const scenario: Scenario = {
  description: 'How many pages a second does `handcar start` serve, and what does it add to a bare server?',
  minutes: 10,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 5
  const seconds = context.quick ? 1 : 6
  const variants = await prepare(context)
  const measured = await interleave(rounds, variants, async (variant, round) => {
    context.report(`round ${round} of ${rounds}: ${variant.section}: ${variant.name}`)
    await using server = await variant.start()
    return await measurePages(server, { ...variant, connections, seconds })
  })
  return {
    rows: toRows(measured),
    targets: [
      ratioTarget('hello: handcar start, one process, against Hono on node-server', 0.9, measured),
      target('failed answers', sumFailed(measured), '≤', 0),
    ],
    notes: [
      `${rounds} rounds of ${seconds} s, interleaved, each on freshly started servers that were warmed up for ${Math.ceil(seconds / 2)} s; medians; nothing pinned, the client shares the cores`,
      `client: ${wrkIsMissing() ?? 'wrk, one thread, whose script checks status and body of each answer'}`,
      'handcar, built and installed as by a deploy, NODE_ENV=production; everything at its default: request ids, time limits, and an access log of one JSON line per request, written to a file. The plain servers do none of that',
      'not compressed: the client does not ask for it',
      costNote(measured),
      ...[index, post].map((section) => scalingNote(section, measured)),
      newConnectionsNote(measured),
    ],
    chart: {
      title: 'Serving',
      subtitle: 'medians; higher is better',
      panels: [...new Set(variants.map(({ section }) => section))].map((section) => panel(section, measured)),
    },
  }
}

async function prepare(context: ScenarioContext): Promise<Variant[]> {
  const { folder } = context
  context.report('building handcar, seeding Lorem News')
  const installation = await BuiltInstallation.make(folder)
  const seeded = await seed(folder)
  const loremNews = await installation.loremNews()
  const apps = {
    logged: await installation.hello('hello', {}),
    silent: await installation.hello('hello-silent', { server: { accessLog: false } }),
  }
  let starts = 0
  const start = async (app: string, processes: number, database?: string): Promise<ServingProcesses> => {
    const place = join(folder, `run-${++starts}`)
    const data = join(place, 'data')
    await mkdir(data, { recursive: true })
    if (database !== undefined) await copyFile(database, join(data, 'app.sqlite3'))
    const environment = { NODE_COMPILE_CACHE: join(folder, 'code-cache') }
    const log = join(place, 'log')
    const server = await startHandcar({ installation, folder: app, data, processes, log, environment })
    return {
      origin: server.origin,
      pids: () => server.pids(),
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]()
        await rm(place, { recursive: true })
      },
    }
  }
  const hello = { paths: ['/'], marker: 'hello' }
  const page = { marker: '</html>' }
  const posts = postPaths(seeded)
  return [
    { ...hello, section: keptHello, name: 'node:http', start: () => startPlainServer('node:http') },
    { ...hello, section: keptHello, name: hono, start: () => startPlainServer(hono) },
    { ...hello, section: keptHello, name: handcar, start: () => start(apps.logged, 1) },
    { ...hello, section: keptHello, name: `${handcar}, no access log`, start: () => start(apps.silent, 1) },
    { ...hello, section: newHello, newConnections: true, name: hono, start: () => startPlainServer(hono) },
    { ...hello, section: newHello, newConnections: true, name: handcar, start: () => start(apps.logged, 1) },
    ...[1, 2].flatMap((processes): Variant[] => {
      const name = `${handcar}, ${processes} ${processes === 1 ? 'process' : 'processes'}`
      const startNews = () => start(loremNews, processes, seeded)
      return [
        { ...page, section: index, name, paths: ['/posts'], start: startNews },
        { ...page, section: post, name, paths: posts, start: startNews },
      ]
    }),
  ]
}

function postPaths(seeded: string): string[] {
  const database = openRaw(seeded)
  const rows = database.prepare('select id from posts order by id limit ?').all(postsAskedFor) as {
    id: number
  }[]
  database.close()
  return rows.map(({ id }) => `/posts/${id}`)
}

function of(measured: Measured, section: string, name: string): readonly ServedPages[] {
  return [...measured].find(([variant]) => variant.section === section && variant.name === name)![1]
}

/** How many times as much as another, round by round. */
function ratios(
  measured: Measured,
  section: string,
  name: string,
  other: string,
  value = ({ perSecond }: ServedPages): number => perSecond,
): number[] {
  const others = of(measured, section, other)
  return of(measured, section, name).map((run, round) => value(run) / value(others[round]!))
}

function ratioTarget(name: string, limit: number, measured: Measured) {
  const found = ratios(measured, keptHello, handcar, hono)
  const silent = median(ratios(measured, keptHello, `${handcar}, no access log`, hono))
  const note = `${spread(found)}; without an access log ${round(silent)}`
  return target(name, median(found), '≥', limit, '×', note)
}

/** Rates tell less than they seem to when the client needs the same cores; this does not depend on it. */
function costNote(measured: Measured): string {
  const cost = ({ cpuPerRequest }: ServedPages): number => cpuPerRequest
  const [logged, silent] = [handcar, `${handcar}, no access log`].map((name) =>
    round(median(ratios(measured, keptHello, name, hono, cost))),
  )
  const microseconds = round(median(of(measured, keptHello, hono).map(cost)))
  return `hello: CPU time per request ${logged} times that of Hono on node-server (${microseconds} µs), ${silent} times without an access log`
}

function scalingNote(section: string, measured: Measured): string {
  const found = ratios(measured, section, `${handcar}, 2 processes`, `${handcar}, 1 process`)
  const [one, two] = ['1 process', '2 processes'].map((count) =>
    round(median(of(measured, section, `${handcar}, ${count}`).map(({ perSecond }) => perSecond))),
  )
  return `${section}: ${one} pages/s by one process, ${two} by two: ${round(median(found))} times as many (${spread(found)}), client on the same cores`
}

function newConnectionsNote(measured: Measured): string {
  const found = ratios(measured, newHello, handcar, hono)
  return `a new connection for each request, handed from the supervisor to a process: ${round(median(found))} times the rate of a server that accepts by itself (${spread(found)})`
}

function sumFailed(measured: Measured): number {
  return [...measured.values()].flat().reduce((sum, { failed }) => sum + failed, 0)
}

function toRows(measured: Measured): Row[] {
  return [...measured].map(([{ section, name }, runs]) => ({ section, server: name, ...servedColumns(runs) }))
}

function panel(section: string, measured: Measured): Panel {
  const found = [...measured].filter(([variant]) => variant.section === section)
  return {
    title: section,
    kind: 'ranking',
    unit: 'requests/s',
    categories: found.map(([{ name }]) => name),
    series: [
      {
        name: section,
        values: found.map(([, runs]) => round(median(runs.map(({ perSecond }) => perSecond)))),
      },
    ],
  }
}
