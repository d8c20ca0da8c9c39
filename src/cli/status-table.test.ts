import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TreeStatus } from '../supervisor/index.ts'
import type { Output } from './command.ts'
import { describeTree } from './status-table.ts'

const marked =
  (name: string) =>
  (text: string): string =>
    `${name}(${text})`
const plain = (text: string): string => text
const output = {
  color: { bold: plain, green: plain, yellow: marked('yellow'), red: marked('red'), dim: plain },
} as unknown as Output

const none = { count: 0, mean: 0, min: 0, max: 0, p50: 0, p95: 0, p99: 0 } as never
const tree: TreeStatus = {
  companions: {},
  pid: 10,
  version: '1.0.0',
  state: 'reloading',
  uptime: 90_061_000,
  release: { folder: '/srv/releases/7' },
  address: undefined,
  rss: 64 * 1_024 ** 2,
  waiting: 3,
  processes: [
    {
      name: 'web.1',
      kind: 'web',
      pid: 11,
      state: 'ready',
      uptime: 61_000,
      restarts: 2,
      release: '/srv/releases/7',
      rss: 1_024 ** 2,
      blocked: true,
      stats: {
        requestsPerSecond: 1_234.56,
        p99: 12.345,
        queuedWrites: 7,
        jobs: { slots: 10, running: 3, completed: 1_204, failed: 1, longestWait: 75_000 },
        cache: { hits: 97, misses: 3, ratio: 0.97, errors: 2, isOn: false },
        realtime: {
          connections: 1_500,
          subscriptions: 9_000,
          behind: 2,
          buffered: 4_096,
          lag: 0,
          isReading: false,
        },
      },
    },
    {
      name: 'jobs.1',
      kind: 'jobs',
      pid: undefined,
      state: 'restarting',
      uptime: 0,
      restarts: 0,
      release: '/srv/releases/6',
      rss: undefined,
      blocked: false,
      stats: {},
    },
  ],
  programs: [{ name: 'litestream', pid: 12, uptime: 5_000, restarts: 1 }],
  databases: [
    {
      path: '/srv/data/app.sqlite3',
      lease: { clients: 2, waiting: 1, grants: 9 },
      checkpointer: {
        duty: 'checkpoint',
        frames: 1_500,
        checkpointed: 500,
        passive: none,
        restart: none,
        pause: none,
        pinned: { duration: 7_000, readers: [] },
      },
    },
    {
      path: '/srv/data/other.sqlite3',
      lease: { clients: 0, waiting: 0, grants: 0 },
      checkpointer: undefined,
    },
  ],
}

test('the tree as a table: what is wrong stands out, what is not known is a dash', () => {
  const lines = describeTree(tree, output).map((line) => line.replaceAll(/ {2,}/g, ' | '))
  assert.deepEqual(lines, [
    'handcar 1.0.0, yellow(reloading); 3 connections wait for a process',
    'release /srv/releases/7',
    'yellow(the next job has waited for 1 m 15 s)',
    'yellow(the cache cannot be used in web.1: the log says why)',
    'yellow(the messages of realtime cannot be read in web.1: the log says why)',
    '',
    'process | pid | state | uptime | memory | requests/s | p99 | queued writes | jobs | done | cache hits | clients | restarts | release',
    'supervisor | 10 | yellow(reloading) | 1 d 1 h | 64 MB',
    'web.1 | 11 | red(blocked) | 1 m 1 s | 1 MB | 1,234.6 | 12.3 ms | 7 | 3/10 | 1,204 | 97 % | 1,500 | yellow(2) | 7',
    'jobs.1 | – | yellow(restarting) | 0 ms | – | – | – | – | – | – | – | – | 0 | 6',
    'litestream | 12 | running | 5 s | 1',
    '',
    'database | WAL frames | not yet moved | held by readers | lease clients | waiting',
    '/srv/data/app.sqlite3 | 1,500 | 1,000 | yellow(7 s) | 2 | 1',
    '/srv/data/other.sqlite3 | – | – | no | 0 | 0',
  ])
})

test('the backup has a line of its own: how far it is behind, or what is wrong', () => {
  const replicas = [{ name: 's3', address: 's3://backups/handcar/app', lag: 800 }]
  const backup = { state: 'running', databases: [{ name: 'app', path: '/srv/data/app.sqlite3', replicas }] }
  const lineOf = (status: object): string | undefined =>
    describeTree({ ...tree, companions: { backup: { ...backup, ...status } } }, output).find((line) =>
      line.includes('backup'),
    )
  assert.equal(lineOf({}), 'backup s3://backups/handcar/app: 800 ms behind')
  const problem = { kind: 'down', message: 'Litestream is gone' }
  assert.equal(lineOf({ problem }), 'red(backup: Litestream is gone)')
})
