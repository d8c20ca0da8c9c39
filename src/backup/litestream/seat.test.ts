import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { isAlive } from '../../../test/helpers/processes.ts'
import { recordingLogger } from '../../../test/helpers/recording-logger.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { BackupFolder } from './folder.ts'
import { livingRecord, startOf } from './process-record.ts'
import { LitestreamSeat } from './seat.ts'

const logger = recordingLogger()
const isLinux = process.platform === 'linux'

/** A process that calls itself `name` and lasts. */
async function sleeper(name: string, ...args: string[]) {
  const child = spawn('/bin/sh', ['-c', 'while :; do sleep 1; done', name, ...args], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  await once(child, 'spawn')
  return {
    pid: child.pid!,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

test(
  'a Litestream that was started and never written down is ended too, and nobody else is',
  { skip: !isLinux && 'only Linux tells the words of all processes', timeout: 60_000 },
  async () => {
    using place = temporaryFolder()
    const folder = new BackupFolder(place.path)
    const of = (config: string) => sleeper('litestream', 'replicate', '-no-expand-env', '-config', config)
    await using left = await of(folder.config)
    await using other = await of(`${folder.config}.other`)
    {
      using _seat = await LitestreamSeat.take(folder, logger)
      assert.equal(isAlive(left.pid), false)
      assert.equal(isAlive(other.pid), true)
    }
    using _again = await LitestreamSeat.take(folder, logger)
  },
)

test('a record of a process that has the pid of another one, from before a restart, or of nobody', async () => {
  using place = temporaryFolder()
  const folder = new BackupFolder(place.path)
  mkdirSync(folder.path)
  await using stranger = await sleeper('stranger')
  const startedAt = (await startOf(stranger.pid))!
  const write = (record: unknown): void => writeFileSync(folder.record, JSON.stringify(record))
  write({ pid: stranger.pid, startedAt, version: '0' })
  assert.equal((await livingRecord(folder.record))?.pid, stranger.pid)
  const records = [
    { pid: stranger.pid, startedAt: '1', version: '0' },
    // The same number of ticks since the start of the machine, in another life of it.
    { pid: stranger.pid, startedAt: startedAt.replace(/ .*/, ' other-boot'), version: '0' },
    { pid: 2 ** 22 + 1, startedAt, version: '0' },
    { pid: '1', startedAt },
    'nothing',
  ]
  for (const record of isLinux ? records : records.slice(2)) {
    write(record)
    using _seat = await LitestreamSeat.take(folder, logger)
    assert.equal(isAlive(stranger.pid), true, JSON.stringify(record))
  }
})

test(
  'one that cannot be ended is told of, and does not keep the seat for ever',
  { skip: process.getuid?.() !== 0 && 'needs root, to be somebody else', timeout: 60_000 },
  async () => {
    await using left = await sleeper('litestream')
    const startedAt = (await startOf(left.pid))!
    const program = resolve(import.meta.dirname, '../../../test/helpers/ends-process.ts')
    const flags = ['--conditions=handcar-source', program, JSON.stringify({ pid: left.pid, startedAt })]
    const child = spawn(process.execPath, flags, {
      uid: 65_534,
      gid: 65_534,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    assert.match(
      await text(child.stdout),
      new RegExp(`HANDCAR_LITESTREAM_RUNNING An earlier Litestream, process ${left.pid}, cannot be ended`),
    )
    assert.equal(isAlive(left.pid), true)
  },
)
