import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { recordingLogger } from '../../../test/helpers/recording-logger.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { LitestreamChild } from './child.ts'
import { Ear05 } from './ear-0.5.ts'
import { hideSecrets, litestreamEnvironment } from './environment.ts'
import { LagMeter } from './lag.ts'
import { parseMetrics } from './metrics.ts'
import { OutputLog, parseLine } from './output.ts'
import { Patience } from './patience.ts'
import { Pauses } from './pauses.ts'
import { StallWatch } from './stall.ts'
import { judgeReplication, type Judged } from './status.ts'
import { parseVersion } from './version.ts'

test('versions as Litestream prints them; what is not known is refused', () => {
  for (const [printed, version, line] of [
    ['v0.3.13\n', '0.3.13', '0.3'],
    ['0.5.16', '0.5.16', '0.5'],
    ['v0.5.17-dev', '0.5.17', '0.5'],
    ['v0.5.17-0.20260819-abcdef+dirty', '0.5.17', '0.5'],
  ])
    assert.deepEqual(parseVersion(printed!, 'litestream'), { version, line })
  for (const printed of ['', 'v0.4.0', '0.6.1', '1.0.0', '(development build)', 'usage: litestream', '0.5'])
    assert.throws(() => parseVersion(printed, 'litestream'), { code: 'HANDCAR_LITESTREAM_VERSION' }, printed)
})

test('a line of output: how severe it is stands in its first level', () => {
  assert.deepEqual(parseLine('{"time":"x","level":"INFO","msg":"ltx file uploaded","db":"a","level":0}'), {
    level: 'debug',
    message: 'ltx file uploaded',
    fields: { db: 'a', level: 0 },
  })
  assert.equal(parseLine('{"time":"x","level":"ERROR","msg":"compaction failed","level":2}').level, 'error')
  assert.equal(parseLine('{"level":"WARN","msg":"slow"}').level, 'warn')
  assert.equal(parseLine('{"level":"INFO","msg":"snapshot written"}').level, 'info')
  assert.equal(parseLine('{"level":"INFO","msg":"validation mismatch"}').level, 'error')
  assert.equal(parseLine('panic: runtime error').level, 'error')
  assert.equal(parseLine('{"level":"INFO", broken').level, 'error')
  assert.equal(parseLine('').level, 'info')
})

test('an error that is told again and again is logged once a minute, and counted', () => {
  const logger = recordingLogger()
  const log = new OutputLog(logger)
  const line = (number: number, error = 'connection refused') => ({
    level: 'error' as const,
    message: 'sync error',
    fields: { error: `request ${number}a: ${error}` },
  })
  for (let second = 0; second < 90; second++) log.write(line(second), second * 1_000)
  assert.deepEqual(
    logger.lines.map(({ fields }) => fields['count']),
    [1, 61],
  )
  assert.equal(log.lastError?.count, 90)
  log.write(line(1, 'no space left'), 90_000)
  assert.equal(logger.lines.length, 3)
  assert.deepEqual([log.lastError?.count, log.lastError?.at], [1, 90_000])
})

test('the environment of Litestream holds nothing of the app, and its values are hidden', () => {
  const environment = {
    PATH: '/bin',
    HTTPS_PROXY: 'http://proxy',
    AWS_SECRET_ACCESS_KEY: 'aws-secret',
    LITESTREAM_ACCESS_KEY_ID: 'key-id',
    LITESTREAM_CONFIG: '/etc/other.yml',
    LOG_LEVEL: 'error',
    DATABASE_PASSWORD: 'of the app',
    HANDCAR_STATUS_TOKEN: 'of the app',
  }
  assert.deepEqual(litestreamEnvironment(environment, '/tmp/x'), {
    PATH: '/bin',
    HTTPS_PROXY: 'http://proxy',
    AWS_SECRET_ACCESS_KEY: 'aws-secret',
    LITESTREAM_ACCESS_KEY_ID: 'key-id',
    TMPDIR: '/tmp/x',
  })
  assert.equal(hideSecrets(environment)('no key-id, aws-secret; /bin'), 'no (secret), (secret); /bin')
})

test('the certificates of AWS are given as those of Go: with AWS_CA_BUNDLE Litestream 0.5 does not start', () => {
  assert.deepEqual(
    litestreamEnvironment({ AWS_CA_BUNDLE: '/ca.pem', SSL_CERT_FILE: '/other.pem' }, '/tmp/x'),
    {
      SSL_CERT_FILE: '/ca.pem',
      TMPDIR: '/tmp/x',
    },
  )
  assert.deepEqual(litestreamEnvironment({ AWS_CA_BUNDLE: '', SSL_CERT_FILE: '/other.pem' }, '/tmp/x'), {
    SSL_CERT_FILE: '/other.pem',
    TMPDIR: '/tmp/x',
  })
})

test('the lag is the age of the oldest change that the replica does not have', () => {
  const meter = new LagMeter()
  assert.equal(meter.lag(1_000, 0), undefined)
  meter.note({ at: 1_000, local: 5, remote: 5, readUntil: 900 })
  assert.equal(meter.lag(1_500, 500), 0)
  // Written, and not read yet.
  assert.equal(meter.lag(1_500, 1_200), 600)
  meter.note({ at: 2_000, local: 6, remote: 5, readUntil: 1_900 })
  meter.note({ at: 3_000, local: 7, remote: 5, readUntil: 2_900 })
  assert.equal(meter.lag(3_000, 2_000), 2_100)
  assert.equal(meter.stall(5_000), 4_000)
  meter.note({ at: 4_000, local: 7, remote: 6, readUntil: 3_900 })
  assert.equal(meter.lag(4_000, 2_000), 2_100)
  assert.equal(meter.stall(5_000), 1_000)
  meter.note({ at: 5_000, local: 7, remote: 7, readUntil: 4_900 })
  assert.equal(meter.stall(60_000), 0)
  assert.equal(meter.lag(5_000, 2_000), 0)
  // It is read no more, while the app writes.
  meter.note({ at: 6_000, local: 7, remote: 7, readUntil: undefined })
  assert.equal(meter.lag(9_000, 8_000), 4_100)
  // A new generation begins at 1.
  meter.note({ at: 9_000, local: 1, remote: 7, readUntil: 8_900 })
  assert.equal(meter.lag(9_000, 8_000), 0)
})

test('after a start the replica may have everything without saying so: not known until something new is written', () => {
  const meter = new LagMeter()
  meter.note({ at: 1_000, local: 5, remote: undefined, readUntil: 900 })
  assert.equal(meter.lag(60_000, 500), undefined)
  meter.note({ at: 2_000, local: 6, remote: undefined, readUntil: 1_900 })
  assert.equal(meter.leastLag(60_000, 1_500), 59_100)
  assert.equal(meter.lag(60_000, 1_500), undefined, 'what was written before may be missing too')
  meter.note({ at: 3_000, local: 6, remote: 6, readUntil: 2_900 })
  assert.equal(meter.lag(60_000, 1_500), 0)
})

test('how old what was not sent before a start is, nobody knows', () => {
  const meter = new LagMeter()
  meter.note({ at: 1_000, local: 9, remote: 5, readUntil: 900 })
  assert.equal(meter.lag(1_040, 500), undefined)
  assert.equal(meter.leastLag(61_000, 500), 60_000, 'it is an alarm all the same')
  meter.note({ at: 2_000, local: 10, remote: 8, readUntil: 1_900 })
  assert.equal(meter.lag(2_000, 1_500), undefined)
  meter.note({ at: 3_000, local: 11, remote: 9, readUntil: 2_900 })
  assert.equal(meter.lag(3_000, 2_500), 2_100)
})

test('a replica that was only read after a start is not known to get anything', () => {
  const meter = new LagMeter()
  assert.equal(meter.isServed, false)
  // It says what it has as soon as it has answered.
  meter.note({ at: 1_000, local: 7, remote: 0, readUntil: 900 })
  assert.equal(meter.isServed, false)
  meter.note({ at: 2_000, local: 7, remote: 6, readUntil: 1_900 })
  assert.equal(meter.isServed, false)
  meter.note({ at: 3_000, local: 8, remote: 7, readUntil: 2_900 })
  assert.equal(meter.isServed, true)
  const other = new LagMeter()
  other.note({ at: 1_000, local: 7, remote: 7, readUntil: 900 })
  assert.equal(other.isServed, true)
})

test('a clock that was set back hides nothing', () => {
  const meter = new LagMeter()
  meter.note({ at: 10_000, local: 5, remote: 5, readUntil: 9_900 })
  meter.note({ at: 11_000, local: 6, remote: 5, readUntil: -3_500_000 })
  assert.equal(meter.lag(12_000, -Infinity), 2_100)
  assert.equal(meter.stall(12_000), 2_000)
  const lastError = { at: 5_000_000, message: 'no such bucket', count: 3 }
  const judged = { down: undefined, isCrashLoop: false, silence: 0, replicas: [], lagAlarm: 15_000 }
  assert.equal(judgeReplication({ ...judged, lastError, now: 1_400_000 }), undefined)
})

test('metrics of a page', () => {
  const page = `# HELP x y
litestream_db_size{db="/a \\"b\\".sqlite3"} 4096
litestream_replica_wal_offset{db="/a",name="s3"} 1.075352e+06
go_goroutines 12
nonsense
`
  assert.deepEqual(parseMetrics(page), [
    { name: 'litestream_db_size', labels: { db: '/a "b".sqlite3' }, value: 4_096 },
    { name: 'litestream_replica_wal_offset', labels: { db: '/a', name: 's3' }, value: 1_075_352 },
    { name: 'go_goroutines', labels: {}, value: 12 },
  ])
})

test('it is started again after 1 s to 60 s; three ends within a minute are an alarm', () => {
  const pauses = new Pauses()
  const delays = Array.from({ length: 9 }, (_, count) => pauses.ended(count * 1_000, 10))
  assert.deepEqual(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  assert.equal(pauses.isAlarm, true)
  pauses.runs(60_000)
  assert.equal(pauses.isAlarm, false)
  assert.equal(pauses.ended(200_000, 120_000), 1_000)
  assert.equal(pauses.isAlarm, false)
})

test('what makes no progress is ended after four times the alarm, and each time after twice as long, until all is well', () => {
  const patience = new Patience(15_000)
  const limits = Array.from({ length: 6 }, () => {
    const limit = patience.limit(0)
    patience.ended()
    return limit / 60_000
  })
  assert.deepEqual(limits, [1, 2, 4, 8, 16, 16])
  patience.renew()
  assert.equal(patience.limit(0), 60_000)
  // Time for the upload of 20 GB at 1 MB/s, and twice as much when that was not enough.
  assert.equal(patience.limit(20e9), 60_000 + 20e6)
  patience.ended()
  assert.equal(patience.limit(20e9), 120_000 + 40e6)
})

test('who lets the WAL grow without end while the replica gets nothing is ended before its time', () => {
  const stalls = new StallWatch({ lagAlarm: 15_000, walLimit: 1_000_000 })
  const look = { line: '0.5' as const, stall: 16_000, size: 1_000_000, wal: 5_000_000, isWell: false }
  assert.match(stalls.judge(look) ?? '', /no progress for 16 s, while 4\.8 MB wait in the WAL/)
  for (const quiet of [{ stall: 14_000 }, { wal: 3_000_000 }, { line: '0.3' as const }, { stall: 0 }])
    assert.equal(stalls.judge({ ...look, ...quiet }), undefined)
  assert.match(stalls.judge({ ...look, line: '0.3', wal: 17_000_000 }) ?? '', /while/)
  // That was not for want of patience.
  assert.equal(stalls.judge({ ...look, wal: 0, stall: 61_500 }), 'Litestream has made no progress for 62 s')
  assert.equal(stalls.judge({ ...look, wal: 0, stall: 61_500 }), undefined)
  assert.equal(stalls.judge({ ...look, wal: 0, stall: 0, isWell: true }), undefined)
  assert.equal(stalls.judge({ ...look, wal: 0, stall: 61_500 }), 'Litestream has made no progress for 62 s')
})

test('what is wrong, the worst first', () => {
  const well: Judged = {
    down: undefined,
    isCrashLoop: false,
    silence: 500,
    replicas: [{ address: 's3://b/app', lag: 900 }],
    lastError: undefined,
    lagAlarm: 15_000,
    now: 1_000_000,
  }
  const judged = (changes: Partial<Judged>) => judgeReplication({ ...well, ...changes })
  const lastError = { at: 999_000, message: 'no such bucket', count: 3 }
  const late = [{ address: 's3://b/app', lag: 16_000 }]
  assert.equal(judged({}), undefined)
  assert.equal(judged({ replicas: [{ address: 'x', lag: undefined }] }), undefined)
  assert.deepEqual(judged({ lastError }), { kind: 'error', message: 'no such bucket' })
  assert.equal(judged({ lastError: { ...lastError, at: 900_000 } }), undefined)
  assert.deepEqual(judged({ replicas: late, lastError }), {
    kind: 'lag',
    message: 's3://b/app is 16 s behind: no such bucket',
  })
  assert.equal(judged({ silence: 16_000, replicas: late })?.kind, 'silent')
  assert.deepEqual(judged({ down: 'gone', silence: 16_000 }), { kind: 'down', message: 'gone' })
  assert.deepEqual(judged({ down: 'gone', isCrashLoop: true }), {
    kind: 'crash-loop',
    message: 'Litestream keeps ending: gone',
  })
})

test('it is of a group of processes of its own: what a terminal sends reaches the supervisor only', async () => {
  const child = new LitestreamChild({
    path: process.execPath,
    args: ['-e', 'setInterval(() => {}, 1_000)'],
    cwd: process.cwd(),
    environment: {},
    onLine: () => {},
  })
  const status = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
  const [, , group] = status.slice(status.lastIndexOf(')') + 2).split(' ')
  assert.equal(Number(group), child.pid)
  child.kill()
  assert.equal((await child.ended).signal, 'SIGKILL')
})

test('told to hurry while it hurries, Litestream 0.5 is asked once more, and no oftener', async () => {
  using folder = temporaryFolder()
  const socket = folder.file('socket')
  const asked: string[] = []
  let isSlow = true
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => asked.push(`${request.url} ${text}`))
    request.on('end', () => void waitUntil('it may answer', () => !isSlow).then(() => response.end('{}')))
  }).listen(socket)
  await once(server, 'listening')
  const ear = new Ear05(socket, ['/srv/app.sqlite3'], 'folder')
  const hurried = [1, 2, 3].map(() => ear.hurry('/srv/app.sqlite3'))
  await waitUntil('it was asked', () => asked.length === 1)
  isSlow = false
  await Promise.all(hurried)
  assert.deepEqual(asked, Array(2).fill('/sync {"path":"/srv/app.sqlite3"}'))
  server.close()
  await once(server, 'close')
  await ear.hurry('/srv/app.sqlite3')
})
