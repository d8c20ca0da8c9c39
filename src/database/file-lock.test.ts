import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { FileLock } from './file-lock.ts'

const program = (path: string): string => `
  import { FileLock } from '${new URL('./file-lock.ts', import.meta.url).href}'
  globalThis.lock = FileLock.acquire(${JSON.stringify(path)})
  console.log(globalThis.lock ? 'held' : 'refused')
  setInterval(() => {}, 1_000)`
const start = (path: string) =>
  spawn(process.execPath, ['--conditions=handcar-source', '--input-type=module', '-e', program(path)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
const answerOf = async (child: ReturnType<typeof start>): Promise<string> =>
  String((await once(child.stdout, 'data'))[0]).trim()

test('one process holds the lock; when it is killed the next one gets it; nothing is written', async () => {
  using folder = temporaryFolder()
  const path = folder.file('handcar.lock')
  const holder = start(path)
  assert.equal(await answerOf(holder), 'held')
  assert.equal(FileLock.acquire(path), undefined)
  const ended = once(holder, 'exit')
  holder.kill('SIGKILL')
  await ended
  {
    using lock = FileLock.acquire(path)
    assert.ok(lock)
    const refused = start(path)
    assert.equal(await answerOf(refused), 'refused')
    refused.kill('SIGKILL')
  }
  using again = FileLock.acquire(path)
  assert.ok(again)
  assert.equal(statSync(path).size, 0)
  assert.deepEqual(readdirSync(folder.path), ['handcar.lock'])
})

test('a file that cannot be made is an error of SQLite', () => {
  using folder = temporaryFolder()
  assert.throws(() => FileLock.acquire(folder.file('nowhere/handcar.lock')))
})
