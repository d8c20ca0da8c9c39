import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOptions } from '../../core/index.ts'
import { replicationReaders, snapshotIntervalOf, type ReplicationSettings } from '../options.ts'
import { litestreamConfig } from './config.ts'
import { assertPaths } from './refused-paths.ts'
import { addressOf } from './replica.ts'
import type { LitestreamLine } from './version.ts'

/** `undefined` when nothing is thrown. */
function codeOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

const read = (settings: ReplicationSettings) => readOptions('backup', settings, replicationReaders)
const databases = [{ name: 'app', path: '/srv/data/it\'s "$HOME": app.sqlite3' }]

interface Written {
  addr?: string
  socket: { path: string }
  snapshot: object
  validation: object
  dbs: [Record<string, unknown> & { replicas: object[]; replica: Record<string, unknown> }]
}

function configOf(line: '0.3' | '0.5', settings: ReplicationSettings): Written {
  const replication = read(settings)
  const snapshotInterval = snapshotIntervalOf(replication, 'backup')
  const ear = { port: 9_911, socket: '/srv/data/.backup/litestream.sock' }
  return JSON.parse(litestreamConfig(line, { ...replication, snapshotInterval, databases, ear })) as Written
}

test('0.3: several replicas, each with its intervals; no RESTART checkpoints', () => {
  const config = configOf('0.3', {
    replicas: [
      { type: 'folder', path: '/backup' },
      { type: 's3', bucket: 'b', endpoint: 'https://s3.example.com' },
      { type: 'sftp', host: 'h', user: 'u', keyPath: '/k', path: '/p' },
    ],
    retention: '24h',
  })
  assert.equal(config.addr, '127.0.0.1:9911')
  const [db] = config.dbs
  assert.equal(db['path'], databases[0]!.path)
  assert.deepEqual([db['max-checkpoint-page-count'], db['monitor-interval']], [0, '250ms'])
  const intervals = {
    'sync-interval': '1000ms',
    'snapshot-interval': '7200000ms',
    retention: '86400000ms',
    'retention-check-interval': '3600000ms',
    'validation-interval': '43200000ms',
  }
  assert.deepEqual(db.replicas, [
    { name: 'folder', type: 'file', path: '/backup/app', ...intervals },
    {
      name: 's3',
      type: 's3',
      bucket: 'b',
      path: 'handcar/app',
      region: 'us-east-1',
      endpoint: 'https://s3.example.com',
      'force-path-style': true,
      ...intervals,
    },
    { name: 'sftp', type: 'sftp', host: 'h:22', user: 'u', 'key-path': '/k', path: '/p/app', ...intervals },
  ])
})

test('0.5: one replica, snapshots and retention for all databases, no TRUNCATE checkpoints, a socket and no port', () => {
  const config = configOf('0.5', { replicas: [{ type: 'folder', path: '/backup' }] })
  assert.deepEqual(config.snapshot, { interval: '21600000ms', retention: '259200000ms' })
  assert.deepEqual(config.validation, { interval: '43200000ms' })
  assert.equal(config.socket.path, '/srv/data/.backup/litestream.sock')
  assert.equal('addr' in config, false)
  const [db] = config.dbs
  assert.equal(db['truncate-page-n'], 0)
  assert.equal(db['monitor-interval'], '1000ms', 'one file, and one request, in each interval')
  assert.deepEqual(db.replica, { type: 'file', path: '/backup/app', 'sync-interval': '250ms' })
})

test('what a Litestream would leave out without a word is refused', () => {
  const two = [
    { type: 'folder', path: '/one' },
    { type: 'folder', path: '/two' },
  ] as const
  assert.equal(
    codeOf(() => configOf('0.5', { replicas: two })),
    'HANDCAR_LITESTREAM_OPTION',
  )
  const sftp = {
    type: 'sftp',
    host: 'h',
    user: 'u',
    keyPath: '/k',
    path: '/p',
    hostKey: 'ssh-ed25519 A',
  } as const
  assert.equal(
    codeOf(() => configOf('0.3', { replicas: [sftp] })),
    'HANDCAR_LITESTREAM_OPTION',
  )
  assert.equal(configOf('0.5', { replicas: [sftp] }).dbs[0].replica['host-key'], 'ssh-ed25519 A')
})

test('0.5 is not given a path that it would take for another one', () => {
  const refuses = (line: LitestreamLine, path: string): boolean =>
    codeOf(() => assertPaths(line, [{ name: 'app', path }])) === 'HANDCAR_LITESTREAM_OPTION'
  for (const path of ['/srv/app #2/a.sqlite3', '/srv/what?/a.sqlite3', '/srv/my%20app/a.sqlite3']) {
    assert.ok(refuses('0.5', path), path)
    assert.ok(!refuses('0.3', path), path)
  }
  assert.ok(!refuses('0.5', "/srv/100% it's {ü}: $HOME/a.sqlite3"))
})

test('snapshots are at most a quarter of the retention apart: with fewer the moments to restore would collapse', () => {
  for (const [snapshotInterval, isRight] of [
    ['6h', true],
    ['6.1h', false],
    ['24h', false],
  ] as const) {
    const settings = read({ retention: '24h', snapshotInterval })
    assert.equal(
      codeOf(() => snapshotIntervalOf(settings, 'backup')),
      isRight ? undefined : 'HANDCAR_OPTION_INVALID',
    )
  }
  assert.equal(snapshotIntervalOf(read({ retention: '24h' }), 'backup'), 2 * 3_600_000)
})

test('replicas that cannot be meant', () => {
  const wrong: unknown[] = [
    {},
    [{}],
    [{ type: 'ftp' }],
    [{ type: 'folder' }],
    [{ type: 'folder', path: '' }],
    [{ type: 'folder', path: '/a', bucket: 'b' }],
    [{ type: 's3' }],
    [{ type: 's3', bucket: 'b', secretAccessKey: 'x' }],
    [{ type: 's3', bucket: 'b', endpoint: 'https://user:password@s3.example.com' }],
    [{ type: 's3', bucket: 'b', endpoint: 's3.example.com' }],
    [{ type: 'sftp', host: 'h', user: 'u', path: '/p' }],
    [{ type: 'folder', path: '/a', name: 'A b' }],
    [
      { type: 'folder', path: '/a', name: 'a' },
      { type: 'folder', path: '/b', name: 'a' },
    ],
  ]
  for (const replicas of wrong)
    assert.match(
      codeOf(() => read({ replicas: replicas as never })) ?? '',
      /^HANDCAR_OPTION_/,
      JSON.stringify(replicas),
    )
})

test('a replica has an address for people, and a name', () => {
  const { replicas } = read({
    replicas: [
      { type: 'folder', path: '/a' },
      { type: 'folder', path: '/b' },
      { type: 's3', bucket: 'b', path: 'x' },
      { type: 'sftp', host: 'h', port: 2_222, user: 'u', keyPath: '/k', path: '/p', name: 'far-away' },
    ],
  })
  assert.deepEqual(
    replicas.map((replica) => [replica.name, addressOf(replica, 'app')]),
    [
      ['folder', '/a/app'],
      ['folder-2', '/b/app'],
      ['s3', 's3://b/x/app'],
      ['far-away', 'sftp://u@h:2222/p/app'],
    ],
  )
})
