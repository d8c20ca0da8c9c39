import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ReplicationStatus } from '../../src/backup/index.ts'
import { appFolder, type AppFolder } from '../helpers/app-folder.ts'
import { backupTargets, type BackupTarget } from '../helpers/backup-targets.ts'
import { Guide, runScript } from '../helpers/guide.ts'
import { litestreams } from '../helpers/litestream.ts'
import { waitUntil } from '../helpers/wait-until.ts'

/** The commands of the guides of the backup, run one after the other as they stand there, on machines that are folders. */
const drill = new Guide('operations/restore-drill.md')
const move = new Guide('operations/new-machine.md')
const targets = new Guide('operations/backup-targets.md')

const app = `export default (handcar) => ({
  async fetch(request) {
    const title = new URL(request.url).pathname
    await handcar.database.run('insert into posts (title) values (?)', [title])
    return new Response(title)
  },
})`
const migration = `create table posts (
  id integer primary key,
  title text not null,
  created_at text not null default (datetime())
) strict`

/** One machine with the app, whose folder is all that it has; every machine of a test has the same target. */
class Machine implements AsyncDisposable {
  readonly folder: AppFolder
  readonly #environment: Record<string, string>

  constructor(target: BackupTarget, line: '0.3' | '0.5') {
    const backup = { replicas: [target.replica], restoreIfMissing: true }
    this.folder = appFolder({
      'src/app.js': app,
      'db/migrations/20261120093000_create_posts.sql': migration,
      'handcar.config.js': `export default ${JSON.stringify({ backup, processes: { web: 1 } })}`,
    })
    this.#environment = { ...target.environment, PORT: '0', GUIDE_LITESTREAM: litestreams[line].path }
    mkdirSync(this.folder.file('data'))
  }

  /** Runs commands; they have to succeed, or to fail with the code that is expected. */
  async run(script: string, expected = 0): Promise<string> {
    const { code, output } = await runScript(script, {
      folder: this.folder.path,
      environment: this.#environment,
    })
    assert.equal(code, expected, `${script}\n${output}`)
    return output
  }

  /** The commands of a section; with some words in another way, where a test cannot wait for an hour, say. */
  async follow(guide: Guide, heading: string, words: Record<string, string> = {}): Promise<string> {
    let script = guide.blocks(heading).join('\n')
    for (const [before, after] of Object.entries(words)) {
      assert.ok(script.includes(before), `${heading} has no "${before}" any more`)
      script = script.replaceAll(before, after)
    }
    return await this.run(script)
  }

  async start(): Promise<void> {
    await this.run('handcar backup install; handcar start')
  }

  async post(title: string): Promise<void> {
    const [, address] = /Listening at (http:[^"\s]+)/.exec(
      readFileSync(this.folder.file('start.log'), 'utf8'),
    )!
    assert.equal(await (await fetch(`${address}/${title}`)).text(), `/${title}`)
  }

  async titles(): Promise<string[]> {
    const rows = await this.run('handcar db --json "select title from posts"')
    return (JSON.parse(rows) as { title: string }[]).map(({ title }) => title)
  }

  /** Until everything is sent. */
  async sent(): Promise<void> {
    await waitUntil(
      'everything is sent',
      async () => {
        const { databases } = JSON.parse(
          (await this.run('handcar backup status --json || true')).replace(/^[^{]*/, ''),
        ) as ReplicationStatus
        return databases[0]!.replicas[0]!.lag === 0
      },
      30_000,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run('handcar stop || true')
    this.folder[Symbol.dispose]()
  }
}

for (const [name, { isMissing, start }] of Object.entries(backupTargets)) {
  const skip = isMissing || litestreams['0.5'].isMissing

  test(`the restore drill (${name})`, { skip, timeout: 180_000 }, async () => {
    await using target = await start()
    await using machine = new Machine(target, '0.5')
    await machine.start()
    await machine.post('one')
    await machine.sent()
    const between = new Date(Date.now() + 1_000)
    await waitUntil('a second has passed', () => Date.now() > between.getTime() + 1_500)
    await machine.post('two')
    await machine.sent()

    assert.match(await machine.follow(drill, 'Is it well?'), /^app +\S+ +\d+ ms /m)
    assert.match(await machine.follow(drill, 'Is what comes back the same?'), /^verified .* rows compared/m)
    assert.match(
      await machine.follow(drill, 'The newest state'),
      /Restored .*drill\/app\.sqlite3 .* with everything that was sent until \d{4}-/,
    )
    const compared = await machine.follow(drill, 'Is it yours?')
    assert.equal(compared.match(/^ +2 +\d{4}-/gm)?.length, 2, compared)
    assert.match(compared, /create_posts +app +applied/)
    const earlier = await machine.follow(drill, 'An earlier moment', { '1h ago': between.toISOString() })
    assert.match(earlier, /^ +1 +\d{4}-/m)
    assert.match(earlier, /"title": "\/one"/)
    assert.match(await machine.run('handcar restore --to drill', 1), /HANDCAR_RESTORE_TARGET/)
    assert.match(await machine.run('handcar restore --to past --at "20h ago"', 1), /The oldest state/)
    await machine.follow(drill, 'Afterwards')
    assert.ok(!existsSync(machine.folder.file('drill')))
    assert.deepEqual(await machine.titles(), ['/one', '/two'], 'the app went on')

    await using burnt = new Machine(target, '0.5')
    await burnt.follow(drill, 'Without the machine')
    assert.ok(existsSync(burnt.folder.file('drill/app.sqlite3')))
    assert.ok(!existsSync(burnt.folder.file('data/app.sqlite3')))
  })

  test(
    `to another machine, back, and away from one that is gone (${name})`,
    { skip, timeout: 180_000 },
    async () => {
      await using target = await start()
      await using old = new Machine(target, '0.5')
      await using fresh = new Machine(target, '0.5')
      await old.start()
      await old.post('one')
      await old.sent()

      await fresh.follow(move, 'Before')
      assert.ok(existsSync(fresh.folder.file('look/app.sqlite3')))
      assert.match(
        await fresh.run('handcar start', 1),
        /HANDCAR_REPLICA_OWNED/,
        'the old machine has not let go',
      )
      await old.post('two')
      const [stop, begin, status] = move.blocks('The move')
      await old.run(stop!)
      await fresh.run(begin!)
      assert.deepEqual(await fresh.titles(), ['/one', '/two'])
      await fresh.sent()
      await fresh.run(status!)
      await fresh.post('three')

      await old.run('handcar start')
      assert.match(await old.run('handcar backup status', 1), /belongs to /, 'started by mistake')
      await old.run(stop!)
      await fresh.run(stop!)
      await old.follow(move, 'Back to the old machine')
      assert.deepEqual(await old.titles(), ['/one', '/two', '/three'])
      await old.sent()

      const pid = Number(readFileSync(old.folder.file('data/handcar.pid'), 'utf8'))
      process.kill(pid, 'SIGKILL')
      await using last = new Machine(target, '0.5')
      assert.match(await last.run('handcar backup install; handcar start', 1), /--take-over/)
      await last.follow(move, 'The old machine is gone')
      assert.deepEqual(await last.titles(), ['/one', '/two', '/three'])
    },
  )
}

test(
  'a copy each night, with Litestream 0.3 and with 0.5, and the change from one to the other',
  { skip: litestreams['0.3'].isMissing || litestreams['0.5'].isMissing, timeout: 180_000 },
  async () => {
    await using target = await backupTargets.folder.start()
    await using machine = new Machine(target, '0.3')
    await machine.start()
    await machine.post('one')
    await machine.sent()
    const [copy] = targets.blocks('Against a stolen key')
    await machine.run(copy!)
    const [day] = readdirSync(machine.folder.file('copies'))
    assert.match(day!, /^\d{4}-\d\d-\d\d$/)
    assert.ok(existsSync(machine.folder.file(`copies/${day}/app.sqlite3`)))

    const before = new Date(Date.now() + 1_000).toISOString()
    const [change, back] = targets.blocks('From Litestream 0.3 to 0.5')
    await machine.run(
      change!.replace(
        'handcar backup install',
        `ln -sf ${litestreams['0.5'].path} data/.backup/bin/litestream`,
      ),
    )
    await machine.post('two')
    await machine.sent()
    assert.match(await machine.run('handcar backup status'), /^Litestream 0\.5/)
    await machine.run('handcar restore --to new')
    assert.match(await machine.run('HANDCAR_DATA=new handcar db "select count(*) from posts"'), /^ +2$/m)
    const [path] = /node_modules\/@flydotio\/\S+/.exec(back!)!
    await machine.run(back!.replace(path, litestreams['0.3'].path).replace('2h ago', before))
    assert.match(await machine.run('HANDCAR_DATA=look handcar db "select count(*) from posts"'), /^ +1$/m)
  },
)
