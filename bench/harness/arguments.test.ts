import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommand } from './arguments.ts'

const names = ['checkpoint', 'concurrency', 'hog']

test('a scenario runs in full unless told to be quick', () => {
  assert.deepEqual(parseCommand(['hog'], names), {
    kind: 'run',
    scenarios: ['hog'],
    quick: false,
    resume: false,
  })
  assert.deepEqual(parseCommand(['--quick', 'hog', 'hog', 'checkpoint'], names), {
    kind: 'run',
    scenarios: ['hog', 'checkpoint'],
    quick: true,
    resume: false,
  })
})

test('all stands for every scenario', () => {
  const command = parseCommand(['all', '--resume'], names)
  assert.deepEqual(command, { kind: 'run', scenarios: names, quick: false, resume: true })
})

test('nothing lists, --help explains', () => {
  assert.deepEqual(parseCommand([], names), { kind: 'list' })
  assert.deepEqual(parseCommand(['hog', '--help'], names), { kind: 'help' })
  assert.deepEqual(parseCommand(['-h'], names), { kind: 'help' })
})

test('a mistake names what was probably meant', () => {
  assert.match(message(['concurency']), /no scenario "concurency"\. Did you mean "concurrency"\?/)
  assert.match(message(['hog', '--quik']), /no option "--quik"\. Did you mean "--quick"\?/)
  assert.match(message(['zzzzzzzzzzzz']), /There are: checkpoint, concurrency, hog, all\./)
})

function message(argv: string[]): string {
  const command = parseCommand(argv, names)
  assert.equal(command.kind, 'mistake')
  return command.kind === 'mistake' ? command.message : ''
}
