import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'

const program = (body: string): string[] => [
  '--conditions=handcar-source',
  '--input-type=module',
  '-e',
  `import { createLogger } from '${new URL('./logger.ts', import.meta.url).href}'
   const logger = createLogger({ process: 'test' })
   ${body}`,
]
const start = (body: string) =>
  spawn(process.execPath, program(body), { stdio: ['ignore', 'pipe', 'inherit'] })
const messages = (output: string): string[] =>
  output
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg)

test('what was logged before the exit is written, whole and in order', async () => {
  const child = start(
    'for (let line = 0; line < 1000; line++) logger.info({ line }, String(line)); process.exit(0)',
  )
  assert.deepEqual(
    messages(await text(child.stdout)),
    Array.from({ length: 1_000 }, (_, line) => String(line)),
  )
})

test('a slow reader holds up nobody and gets everything', async () => {
  const child = start(`
    const long = 'x'.repeat(1000)
    let turns = 0
    const turning = setInterval(() => turns++, 1)
    for (let line = 0; line < 3000; line++) { logger.info({ long }, String(line)); if (line % 100 === 0) await new Promise(setImmediate) }
    setTimeout(() => { clearInterval(turning); logger.info({}, turns > 20 ? 'free' : 'stuck') }, 300)`)
  await sleep(600)
  const told = messages(await text(child.stdout))
  assert.equal(told.length, 3_001)
  assert.equal(told.at(-1), 'free')
})

test('an error is not kept waiting', async () => {
  const child = start("logger.error({}, 'now'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 60)")
  assert.deepEqual(messages(await text(child.stdout)), ['now'])
})

test('that nobody reads is no reason to end', async () => {
  const child = start(`
    const timer = setInterval(() => logger.warn({}, 'still here'), 5)
    setTimeout(() => { clearInterval(timer); process.exitCode = 7 }, 300)`)
  child.stdout.destroy()
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 7)
})
