import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { LoggerOptions } from './logger.ts'

const run = promisify(execFile)

/** What a process writes to standard output that logs and ends. */
async function logged(options: LoggerOptions, statements: string): Promise<string> {
  const program = `
    const { createLogger } = await import(${JSON.stringify(new URL('./logger.ts', import.meta.url).href)})
    const logger = createLogger(${JSON.stringify(options)})
    ${statements}`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program])
  return stdout
}

test('JSON lines carry time, level, process and fields, and none is lost at the exit', async () => {
  const lines = 500
  const output = await logged(
    { process: 'web.1' },
    `for (let line = 0; line < ${lines}; line++) logger.info({ line }, 'counted'); process.exit(0)`,
  )
  const records = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(records.length, lines)
  const { time, pid, ...rest } = records.at(-1)!
  assert.ok(Number.isInteger(pid))
  assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/)
  assert.deepEqual(rest, { level: 'info', process: 'web.1', line: lines - 1, msg: 'counted' })
})

test('what is below the level is left out', async () => {
  const output = await logged(
    { level: 'warn' },
    `logger.info({}, 'a'); logger.debug({}, 'b'); logger.warn({}, 'c')`,
  )
  assert.equal(output.trim().split('\n').length, 1)
})

test('an error is written with its message, stack and cause', async () => {
  const output = await logged(
    {},
    `logger.error({ error: new Error('outer', { cause: new TypeError('inner') }) }, 'x')`,
  )
  const { error } = JSON.parse(output) as {
    error: { message: string; stack: string; cause: { name: string } }
  }
  assert.equal(error.message, 'outer')
  assert.match(error.stack, /Error: outer\n/)
  assert.equal(error.cause.name, 'TypeError')
})

test('who reads the log may go away', async () => {
  const program = `
    const { createLogger } = await import(${JSON.stringify(new URL('./logger.ts', import.meta.url).href)})
    const logger = createLogger()
    const log = () => logger.info({ text: 'x'.repeat(1000) }, 'still here')
    const timer = setInterval(log, 1)
    setTimeout(() => { clearInterval(timer); process.stderr.write('alive') }, 200)`
  const { stderr } = await run('sh', [
    '-c',
    `"$0" --input-type=module --eval "$1" | true`,
    process.execPath,
    program,
  ])
  assert.equal(stderr, 'alive')
})

test('pretty lines are for people', async () => {
  const output = await logged(
    { format: 'pretty', process: 'web.1' },
    `logger.warn({ port: 3000, text: 'two words' }, 'it happened')`,
  )
  assert.match(output, /^\d\d:\d\d:\d\d\.\d{3} warn {2}web\.1 it happened port=3000 text='two words'\n$/)
})
