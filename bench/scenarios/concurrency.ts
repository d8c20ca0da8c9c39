import { canPin } from '../harness/pin.ts'
import type { Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { target } from '../harness/targets.ts'
import { seed } from '../lorem-news/application.ts'
import { heyIsMissing, heyRows, heyTargets, runHeyCells } from '../lorem-news/hey-runs.ts'
import type { HeySize } from '../lorem-news/hey-runs.ts'
import { matrixPanels, matrixRows, runMatrix } from '../lorem-news/matrix.ts'
import type { MatrixCell, MatrixSize } from '../lorem-news/matrix.ts'
import { routes } from '../lorem-news/requests.ts'
import { runRounds } from '../lorem-news/rounds.ts'
import type { RoundsSize } from '../lorem-news/rounds.ts'

interface Size {
  readonly matrix: MatrixSize
  readonly hey: HeySize
  readonly rounds: RoundsSize
}

const full: Size = {
  matrix: { routes, processes: [1, 2, 4], clients: [1, 2, 4, 8, 16, 32, 64, 128, 256], seconds: 1.5 },
  hey: { runs: 3, seconds: 10, followed: [1, 2], notFollowed: [2] },
  rounds: { rounds: 3, seconds: 4, openSeconds: 15, patience: 10_000 },
}
const quick: Size = {
  matrix: { routes: ['balanced'], processes: [2], clients: [16], seconds: 0.5 },
  hey: { runs: 1, seconds: 1, followed: [2], notFollowed: [] },
  rounds: { rounds: 1, seconds: 1, openSeconds: 1, patience: 2000 },
}

export const scenario: Scenario = {
  description:
    'How does a whole application answer 1 to 256 clients, with handcar and in the four usual ways?',
  minutes: 16,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const size = context.quick ? quick : full
  const seeded = await seed(context.folder)
  const cells = await runMatrix(context, seeded, size.matrix)
  const hey = await runHeyCells(context, seeded, size.hey)
  const rounds = await runRounds(context, seeded, size.rounds)
  const processes = size.matrix.processes.includes(2) ? 2 : size.matrix.processes[0]!
  return {
    rows: [...rounds.rows, ...heyRows(hey), ...matrixRows(cells)],
    targets: [failuresTarget(cells, rounds.handcar), ...rounds.targets, ...heyTargets(hey)],
    notes: [
      'examples/lorem-news by `handcar start` in every mode, production pages, no compression, the access log to /dev/null; client and server are processes of their own on the same cores',
      canPin()
        ? 'one web process is pinned to the first core and the client to the last; 2 and 4 processes share all cores with the client, not pinned'
        : 'nothing is pinned: no taskset, or one core',
      `matrix: closed loop, ${size.matrix.seconds} s per cell, one pass, the modes take turns, fresh data for each column of clients; redirects are followed and count as one request`,
      'deferred = BEGIN without a busy timeout; deferred-timeout = with 5 s; immediate-timeout = BEGIN IMMEDIATE and 5 s in C; immediate-retry = tried again every millisecond for 5 s; all four at synchronous=normal',
      'handcar with its default durability (disk), which none of the other modes offers',
      'a 404 because another request had destroyed the post is counted apart (gone), everything else that is not a right page as failed',
      heyIsMissing() ??
        `hey: ${size.hey.runs} runs of ${size.hey.seconds} s, fresh data each; its times have a resolution of 0.1 ms`,
      `beside a hog: an answer later than ${size.rounds.patience / 1000} s is none, and failed`,
      'open loop: a time counts from when the request was due, so that a stall is not hidden',
      "afterwards, in every run: every acknowledged create exactly once, no row that nobody asked for, the example's audit (counters, orphans, integrity) clean",
    ],
    chart: {
      title: 'Lorem News',
      subtitle: '1 to 256 clients, five ways to run a transaction',
      panels: matrixPanels(cells, processes),
    },
  }
}

function failuresTarget(cells: readonly MatrixCell[], others: readonly { failed: number }[]) {
  const sum = (results: readonly { failed: number }[]): number =>
    results.reduce((all, { failed }) => all + failed, 0)
  const failedIn = (mode: string): number =>
    sum(cells.filter((cell) => cell.mode === mode).map(({ result }) => result))
  const note = `the matrix in the other modes: ${[
    'deferred',
    'deferred-timeout',
    'immediate-timeout',
    'immediate-retry',
  ]
    .map((mode) => `${mode} ${failedIn(mode)}`)
    .join(', ')}`
  return target(
    'failed requests in handcar mode, everywhere',
    failedIn('handcar') + sum(others),
    '≤',
    0,
    '',
    note,
  )
}
