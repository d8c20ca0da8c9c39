import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { appFolder } from '../../test/helpers/app-folder.ts'
import { handcar } from '../../test/helpers/command-line.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { version } from '../core/index.ts'
import type { Command, CommandGroup } from './command.ts'
import { commandNames, loadCommands } from './registry.ts'

const commands = await loadCommands()
const explained: [string[], Command | CommandGroup][] = commands.flatMap((command) => [
  [[command.name], command],
  ...('commands' in command ? command.commands : []).map((each): [string[], Command] => [
    [command.name, each.name],
    each,
  ]),
])

for (const [path, command] of explained) {
  test(`${path.join(' ')} --help explains itself with examples`, async () => {
    using folder = temporaryFolder()
    const { code, output } = await handcar([...path, '--help'], { folder: folder.path })
    const words = output.replaceAll(/\s+/g, ' ')
    assert.equal(code, 0)
    assert.match(command.summary, /^[A-Z].*[^.]$/, 'a summary begins with a capital and has no full stop')
    assert.ok(command.examples.length > 0)
    for (const example of command.examples) {
      assert.ok(output.includes(example))
      assert.match(example, /\bhandcar\b/)
    }
    if ('commands' in command) {
      for (const { name, summary } of command.commands) {
        assert.match(output, new RegExp(`^  ${name}\\b`, 'm'))
        assert.ok(words.includes(summary))
      }
      return
    }
    for (const { flags, description } of command.options ?? []) {
      assert.ok(words.includes(flags) && words.includes(description), `${flags} is not explained`)
    }
    for (const { name, description } of command.arguments ?? []) {
      assert.ok(words.includes(name) && words.includes(description), `${name} is not explained`)
    }
  })
}

test('each command has the name under which it is registered', () => {
  assert.deepEqual(
    commands.map(({ name }) => name),
    commandNames,
  )
})

test('--help and help list every command with its summary, on standard output', async () => {
  using folder = temporaryFolder()
  for (const words of [['--help'], ['help']]) {
    const { code, output } = await handcar(words, { folder: folder.path })
    assert.equal(code, 0)
    for (const { name, summary } of commands) {
      assert.match(output, new RegExp(`^  ${name}\\b`, 'm'))
      assert.ok(output.replaceAll(/\s+/g, ' ').includes(summary))
    }
  }
})

test('no command at all is a question for help, and wrong', async () => {
  using folder = temporaryFolder()
  const { code, output } = await handcar([], { folder: folder.path })
  assert.equal(code, 2)
  assert.match(output, /Usage: handcar <command>/)
})

test('--version', async () => {
  using folder = temporaryFolder()
  assert.deepEqual(await handcar(['--version'], { folder: folder.path }), {
    code: 0,
    output: `${version}\n`,
    errors: '',
  })
})

const wrong: [string[], RegExp][] = [
  [['statsu'], /no command "statsu"[^]*Did you mean "handcar status"\?/],
  [['frobnicate'], /no command "frobnicate"[^]*Commands: start, dev, /],
  [['--folder', '.', 'confg'], /Did you mean "handcar config"\?/],
  [['config', '--jsno'], /unknown option '--jsno'[^]*Did you mean --json\?/],
  [['--jsno', 'config'], /unknown option '--jsno'/],
  [['config', 'more'], /too many arguments/],
  [['start', '--port'], /argument missing/],
  [['start', '--port', 'abc'], /--port: expected a whole number from 0 to 65535, got "abc"/],
  [['start', '--port', '65536'], /--port: expected a whole number/],
  [['start', '--processes', '0'], /--processes: expected a whole number from 1 to 256, got "0"/],
  [['dev', '--port', '-1'], /--port: expected a whole number|argument missing/],
  [['config', '--folder', 'nowhere'], /--folder: expected a folder that exists, got .*nowhere/],
  [['config', '--folder', 'src/app.js'], /--folder: expected a folder that exists/],
  [['migrate', 'frob'], /expected run, status, create or dump, got "frob"/],
  [['migrate', 'status', 'more'], /migrate status: expected nothing more, got "more"/],
  [['migrate', 'create'], /expected what the migration does, got nothing/],
  [['migrate', 'create', '---'], /expected what the migration does|unknown option/],
  [['db', '--json'], /--json: expected a statement/],
  [['jobs'], /Usage: handcar jobs <command>/],
  [['jobs', 'lsit'], /unknown command 'lsit'[^]*Did you mean list\?/],
  [['jobs', 'show'], /missing required argument 'id'/],
  [['jobs', 'show', 'abc'], /expected the id of a job, got "abc"/],
  [['jobs', 'show', '0'], /expected the id of a job, got "0"/],
  [['jobs', 'retry'], /jobs retry: expected ids of jobs, or options that say which/],
  [['jobs', 'retry', '5', '--all'], /expected ids or --all, got both/],
  [['jobs', 'retry', '5', 'x'], /expected the id of a job, got "x"/],
  [
    ['jobs', 'retry', '5', '--rate', 'fast'],
    /--rate: expected a number per time such as 100\/1s, got "fast"/,
  ],
  [['jobs', 'retry', '--all', '--rate', '0/1s'], /--rate: expected/],
  [['jobs', 'list', '--after', 'yesterday'], /--after: expected a span such as 2h, or a time/],
  [['jobs', 'list', '--limit', '0'], /--limit: expected a whole number from 1 to 10000/],
  [['jobs', 'list', '--ids', '1,x'], /expected the id of a job, got "x"/],
  [
    ['jobs', 'list', '--state', 'dicarded'],
    /--state: expected scheduled, .*got "dicarded"[^]*Did you mean "discarded"/,
  ],
  [['jobs', 'list', '--hold', 'never'], /Allowed choices are limit, parked, paused/],
  [['jobs', 'reschedule', '5'], /expected --at/],
  [['jobs', 'reschedule', '5', '--at', '25:00'], /--at: expected a span/],
  [['jobs', 'edit', '5'], /expected something to change/],
  [['jobs', 'edit', '5', '--payload', '{a}'], /--payload: expected JSON, got \{a\}/],
  [['jobs', 'edit', '5', '--priority', 'high'], /--priority: expected a whole number, got "high"/],
  [['jobs', 'enqueue', 'x', '{'], /payload: expected JSON/],
  [['jobs', 'enqueue', 'x', '--wait', 'long'], /--wait: expected a span/],
  [['jobs', 'pause'], /expected a queue or --name, got neither/],
  [['jobs', 'pause', 'mail', '--name', 'x'], /expected a queue or --name, got both/],
  [['jobs', 'drain', '--timeout', 'soon'], /--timeout: expected a span/],
  [['jobs', 'recurring', 'frob'], /jobs recurring: expected list, next, .*got "frob"/],
  [['jobs', 'recurring', 'pause'], /jobs recurring pause: expected the name of a recurring job/],
  [['jobs', 'work', '--slots', '0'], /--slots: expected a whole number/],
  [['jobs', 'work', '--queues', ','], /--queues: expected names of queues, got none/],
]
for (const [words, message] of wrong) {
  test(`handcar ${words.join(' ')} exits with 2`, async () => {
    using folder = appFolder()
    const { code, output, errors } = await handcar(words, { folder: folder.path })
    assert.match(errors, message)
    assert.equal(output, '')
    assert.equal(code, 2)
  })
}

const failing: [string, Record<string, string>, RegExp][] = [
  ['outside of any app', { 'src/app.js': '' }, /HANDCAR_CONFIG_MISSING/],
  [
    'with an unknown key',
    { 'handcar.config.js': 'export default { sever: {} }' },
    /has no option "sever"\nfix: +Did you mean "server"\?\ncode: +HANDCAR_OPTION_UNKNOWN/,
  ],
  [
    'with a config that throws',
    { 'handcar.config.ts': "const a: number = 1\nthrow new Error('no ' + a)" },
    /handcar\.config\.ts failed: Error: no 1\n[^]*HANDCAR_CONFIG_FAILED\ncause: Error: no 1\n +at .*handcar\.config\.ts:2/,
  ],
]
for (const [name, files, message] of failing) {
  test(`a command ${name} exits with 1, without a stack of handcar's`, async () => {
    using folder = appFolder(files)
    const at = name.startsWith('outside') ? folder.file('node_modules') : folder.path
    const { code, errors } = await handcar(['config'], { folder: at })
    assert.match(errors, message)
    assert.doesNotMatch(errors, /src\/cli|src\/app\//)
    assert.equal(code, 1)
  })
}

for (const [words, environment] of [
  [['config', '--verbose'], {}],
  [['config'], { HANDCAR_DEBUG: '1' }],
] as const) {
  test(`${words.join(' ')} ${JSON.stringify(environment)} prints the stack`, async () => {
    using folder = appFolder({ 'handcar.config.js': 'export default { sever: {} }' })
    const { errors } = await handcar([...words], { folder: folder.path, environment })
    assert.match(errors, /OptionsError: .*\n +at .*src\//)
  })
}

test('the app is the nearest folder upward that has a configuration, with its links', async () => {
  using folder = appFolder({ 'handcar.config.js': 'export default { data: "here" }', 'src/a/b.txt': '' })
  symlinkSync(folder.path, folder.file('current'))
  const at = async (path: string, words: string[] = []): Promise<unknown> => {
    const { output } = await handcar(['config', '--json', ...words], { folder: folder.file(path) })
    return JSON.parse(output).data.value
  }
  assert.equal(await at('src/a'), folder.file('here'))
  assert.equal(await at('node_modules', ['--folder', '..']), folder.file('here'))
  const { errors } = await handcar(['status'], { folder: folder.file('current/src') })
  assert.match(errors, /HANDCAR_NOT_RUNNING/)
})

test('a reader that goes away early is no error', async () => {
  using folder = appFolder()
  const { execPath } = process
  const main = join(import.meta.dirname, 'main.ts')
  const script = `set -o pipefail; '${execPath}' --conditions=handcar-source '${main}' config | head -c 1`
  const { status, stderr } = spawnSync('bash', ['-c', script], { cwd: folder.path, encoding: 'utf8' })
  assert.deepEqual([status, stderr], [0, ''])
})

test('a Node that is too old is told in one line', async () => {
  using folder = temporaryFolder()
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '24.11.9' } })`
  const flags = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`]
  const { code, output, errors } = await handcar(['--version'], { folder: folder.path, flags })
  assert.equal(code, 1)
  assert.equal(output, '')
  assert.match(errors, /^handcar needs Node 24\.12 or newer, and this is Node 24\.11\.9 \(.*\)\.\n$/)
})

const oldNode = '/usr/bin/node'
const oldVersion = existsSync(oldNode)
  ? spawnSync(oldNode, ['--version'], { encoding: 'utf8' }).stdout
  : undefined
const isOld = oldVersion !== undefined && Number(/\d+/.exec(oldVersion)) < 24
test('a real old Node understands the file that tells it', { skip: !isOld && 'no old Node' }, () => {
  using folder = temporaryFolder()
  const source = readFileSync(join(import.meta.dirname, 'main.ts'), 'utf8')
  writeFileSync(folder.file('main.mjs'), stripTypeScriptTypes(source))
  const { status, stderr } = spawnSync(oldNode, [folder.file('main.mjs')], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /^handcar needs Node 24\.12 or newer, and this is Node .*\n$/)
})
