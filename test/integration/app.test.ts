import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { test } from 'node:test'
import { appFolder } from '../helpers/app-folder.ts'
import { handcar, RunningCommand } from '../helpers/command-line.ts'
import { waitUntil } from '../helpers/wait-until.ts'

/** The whole of handcar on small apps: real processes, a real port. */

const environment = { PORT: '0', WEB_CONCURRENCY: '2', HANDCAR_STATUS_TOKEN: 'token-of-this-test' }
const timeout = 60_000

const migration = 'create table lines (text text not null) strict;'

/** An app that writes down what happens to it. */
const app = `
export default async (handcar) => {
  const write = (text) => handcar.database.run('insert into lines values (?)', [text])
  await write(\`\${handcar.role} made\`)
  return {
    async fetch(request, { requestId, clientAddress }) {
      const lines = handcar.database.all('select text from lines').map(({ text }) => text)
      return Response.json({ release: import.meta.dirname, requestId, clientAddress, lines })
    },
    stop: () => write(\`\${handcar.role} stopped\`),
  }
}`

const prepare = `export default (handcar) => handcar.database.run("insert into lines values ('prepared')")`
const config = `export default { prepare: 'prepare.js', data: process.env.DATA ?? 'data', processes: { jobs: 1 } }`

const files = {
  'src/app.js': app,
  'prepare.js': prepare,
  'handcar.config.js': config,
  'db/migrations/20260101000000_lines.sql': migration,
}

interface Answer {
  release: string
  requestId: string
  clientAddress: string
  lines: string[]
}

const ask = async (url: string): Promise<Answer> => (await fetch(url)).json() as Promise<Answer>

test('an app is prepared once, made in each process with its role, and stopped', { timeout }, async () => {
  using folder = appFolder(files)
  await using running = new RunningCommand(['start'], { folder: folder.path, environment })
  const url = await running.address()
  const answer = await ask(url)
  assert.equal(answer.release, folder.file('src'))
  assert.equal(answer.clientAddress, '127.0.0.1')
  assert.ok(answer.requestId)
  assert.deepEqual(answer.lines.toSorted(), ['jobs made', 'prepared', 'web made', 'web made'])
  assert.equal(answer.lines[0], 'prepared')

  assert.equal((await fetch(`${url}/up`)).status, 200)
  const details = await fetch(`${url}/up`, {
    headers: { authorization: `Bearer ${environment.HANDCAR_STATUS_TOKEN}` },
  })
  const { status, checks, processes } = (await details.json()) as {
    status: string
    checks: object
    processes: { name: string }[]
  }
  assert.equal(status, 'ok')
  assert.deepEqual(Object.keys(checks), ['database', 'wal', 'disk', 'jobs', 'cache', 'realtime'])
  assert.deepEqual(
    processes.map(({ name }) => name),
    ['web.1', 'web.2', 'jobs.1'],
  )

  running.signal('SIGTERM')
  assert.equal(await running.ended(), 0)
  const after = await handcar(
    ['console', '--eval', `database.all('select text from lines').map((row) => row.text).join()`],
    {
      folder: folder.path,
    },
  )
  assert.equal(after.output.match(/web stopped/g)?.length, 2)
  assert.equal(after.output.match(/jobs stopped/g)?.length, 1)
})

test(
  'a reload runs what lies behind the link by then: code, configuration, migrations',
  { timeout },
  async () => {
    using releases = appFolder()
    for (const number of [1, 2, 3]) {
      for (const [name, content] of Object.entries(files)) releases.write(`${number}/${name}`, content)
      symlinkSync('../node_modules', releases.file(`${number}/node_modules`))
    }
    releases.write('2/db/migrations/20260102000000_more.sql', `insert into lines values ('migrated')`)
    releases.write('2/handcar.config.js', config.replace('jobs: 1', 'jobs: 0'))
    releases.write('3/src/app.js', 'throw new Error("not today")')
    releases.write('3/db/migrations/20260102000000_more.sql', `insert into lines values ('migrated')`)
    const makeCurrent = (number: number): void => {
      symlinkSync(String(number), releases.file('next'))
      renameSync(releases.file('next'), releases.file('current'))
    }
    makeCurrent(1)
    const at = {
      folder: releases.file('current'),
      environment: { ...environment, WEB_CONCURRENCY: '1', DATA: releases.file('data') },
    }
    await using running = new RunningCommand(['start'], at)
    const url = await running.address()
    assert.equal((await ask(url)).release, releases.file('1/src'))

    makeCurrent(2)
    const reload = await handcar(['reload'], at)
    assert.equal(reload.code, 0, reload.errors)
    const answer = await ask(url)
    assert.equal(answer.release, releases.file('2/src'))
    assert.ok(answer.lines.includes('migrated'))
    assert.equal(answer.lines.filter((line) => line === 'prepared').length, 2)

    makeCurrent(3)
    const failed = await handcar(['reload'], at)
    assert.equal(failed.code, 1)
    assert.match(failed.errors, /not today/)
    assert.equal((await ask(url)).release, releases.file('2/src'))
    running.signal('SIGTERM')
    assert.equal(await running.ended(), 0)
  },
)

const wrong: Record<string, { files: Record<string, string>; message: RegExp }> = {
  'an app that throws': {
    files: { 'src/app.js': 'throw new RangeError("out of luck")' },
    message: /RangeError: out of luck/,
  },
  'an app that is none': { files: { 'src/app.js': 'export default {}' }, message: /HANDCAR_APP_INVALID/ },
  'a hook that throws': {
    files: {
      'prepare.js': 'throw new Error("no seeds")',
      'handcar.config.js': `export default { prepare: 'prepare.js' }`,
    },
    message: /prepare\.js failed: Error: no seeds/,
  },
  'an unknown setting': {
    files: { 'handcar.config.js': 'export default { prot: 1 }' },
    message: /no option "prot"/,
  },
}

for (const [name, { files, message }] of Object.entries(wrong)) {
  test(`${name} ends the start with its reason`, { timeout }, async () => {
    using folder = appFolder(files)
    const { code, errors } = await handcar(['start'], { folder: folder.path, environment })
    assert.equal(code, 1)
    assert.match(errors, message)
  })
}

test('a supervisor hands its socket to the next one', { timeout }, async () => {
  using folder = appFolder(files)
  const at = { folder: folder.path, environment: { ...environment, WEB_CONCURRENCY: '1' } }
  await using running = new RunningCommand(['start'], at)
  const url = await running.address()
  const pid = (): string => readFileSync(folder.file('data/handcar.pid'), 'utf8').trim()
  assert.equal(pid(), String(running.pid))
  try {
    const upgrade = await handcar(['reload', '--supervisor'], at)
    assert.equal(upgrade.code, 0, upgrade.errors)
    await waitUntil('the end of the first supervisor', () => running.hasEnded)
    assert.notEqual(pid(), String(running.pid))
    assert.equal((await ask(url)).release, folder.file('src'))
  } finally {
    assert.equal((await handcar(['stop'], at)).code, 0)
  }
  assert.ok(!existsSync(folder.file('data/handcar.pid')))
})
