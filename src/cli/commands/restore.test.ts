import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { handcar, RunningCommand } from '../../../test/helpers/command-line.ts'
import { litestreams } from '../../../test/helpers/litestream.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'

const environment: Record<string, string | undefined> = { PORT: '0' }

async function run(folder: AppFolder, words: string[], expected = 0): Promise<string> {
  const { code, output, errors } = await handcar(words, { folder: folder.path, environment })
  assert.equal(code, expected, output + errors)
  return output + errors
}

/** A machine with the app on it: all of them have the same configuration. */
function machine(replica: string, litestream: string): AppFolder {
  const backup = { replicas: [{ type: 'folder', path: replica }], binary: litestream, restoreIfMissing: true }
  return appFolder({
    'db/migrations/20260101000000_posts.sql': 'create table posts (title text) strict',
    'handcar.config.js': `export default ${JSON.stringify({ backup, processes: { web: 1 } })}`,
  })
}

const post = (folder: AppFolder, title: string): Promise<string> =>
  run(folder, ['db', '--write', `insert into posts values ('${title}')`])

async function titles(folder: AppFolder): Promise<string[]> {
  const rows = await run(folder, ['db', '--json', 'select title from posts'])
  return (JSON.parse(rows) as { title: string }[]).map(({ title }) => title)
}

function start(folder: AppFolder): RunningCommand {
  return new RunningCommand(['start'], { folder: folder.path, environment })
}

/** Until the app serves and its changes are sent. */
async function started(folder: AppFolder): Promise<RunningCommand> {
  const app = start(folder)
  await app.address()
  await app.wrote(/makes the backup/)
  return app
}

for (const line of ['0.3', '0.5'] as const)
  test(
    `two machines and one backup (Litestream ${line})`,
    { skip: litestreams[line].isMissing, timeout: 300_000 },
    async () => {
      using place = temporaryFolder()
      const replica = place.file('replica')
      using first = machine(replica, litestreams[line].path)
      using second = machine(replica, litestreams[line].path)

      // The first deployment: there is no backup yet.
      await using app = await started(first)
      assert.match(app.output, /there is no backup yet/)
      await post(first, 'one')
      assert.match(await run(first, ['restore'], 1), /HANDCAR_ALREADY_RUNNING/)
      assert.match(await run(second, ['start'], 1), /HANDCAR_REPLICA_OWNED/, 'two machines at the same time')
      assert.ok(!existsSync(second.file('data/app.sqlite3')))
      await run(first, ['stop'])
      await app.ended()

      // Back to what was sent, and to look at it beside.
      await post(first, 'never sent')
      assert.match(await run(first, ['restore', '--at', '2020-01-01T00:00:00Z'], 1), /The oldest state/)
      assert.match(await run(first, ['restore', '--database', 'apps'], 1), /Did you mean app\?/)
      await run(first, ['restore', '--to', 'look'])
      assert.ok(existsSync(first.file('look/app.sqlite3')))
      assert.match(await run(first, ['restore', '--to', 'look'], 1), /HANDCAR_RESTORE_TARGET/)
      assert.match(await run(first, ['restore']), /The files that were there are in .*replaced-/)
      assert.deepEqual(await titles(first), ['one'])

      // The first machine dies without a word.
      await using last = await started(first)
      last.signal('SIGKILL')
      await last.ended()
      assert.match(await run(second, ['start'], 1), /HANDCAR_REPLICA_OWNED/)
      assert.match(await run(second, ['restore'], 1), /has not let go/)
      await run(second, ['restore', '--take-over'])
      await using moved = await started(second)
      assert.deepEqual(await titles(second), ['one'])
      await post(second, 'two')

      // The old machine is started by mistake: it serves, and sends nothing.
      await using mistake = start(first)
      await mistake.address()
      await mistake.wrote(/No backup is made: .* belongs to /)
      await run(first, ['stop'])
      await mistake.ended()

      // A move: the machine is stopped in good order, and another one with an empty disk is started.
      await run(second, ['stop'])
      await moved.ended()
      rmSync(second.file('data'), { recursive: true })
      await using again = await started(second)
      assert.match(again.output, /restored the database/)
      assert.deepEqual(await titles(second), ['one', 'two'])
      await run(second, ['stop'])
      await again.ended()
      rmSync(second.file('data'), { recursive: true })
      assert.match(await run(second, ['migrate']), /restoring the databases/)
      assert.deepEqual(await titles(second), ['one', 'two'], 'a deployment that migrates first')
    },
  )

test(
  'a backup of the other Litestream is not taken for no backup, and nothing begins anew beside it',
  { skip: litestreams['0.3'].isMissing || litestreams['0.5'].isMissing, timeout: 120_000 },
  async () => {
    using place = temporaryFolder()
    const replica = place.file('replica')
    using old = machine(replica, litestreams['0.3'].path)
    await using app = await started(old)
    await post(old, 'one')
    await run(old, ['stop'])
    await app.ended()

    using fresh = machine(replica, litestreams['0.5'].path)
    assert.match(
      await run(fresh, ['start'], 1),
      /for Litestream 0\.5\.\d+; but an app has been writing to it/,
    )
    assert.ok(!existsSync(fresh.file('data/app.sqlite3')))
    environment['HANDCAR_LITESTREAM'] = litestreams['0.3'].path
    try {
      await run(fresh, ['restore'])
    } finally {
      environment['HANDCAR_LITESTREAM'] = undefined
    }
    assert.deepEqual(await titles(fresh), ['one'])
  },
)

for (const line of ['0.3', '0.5'] as const)
  test(
    `a bucket without keys, and one whose name is an address (Litestream ${line})`,
    { skip: litestreams[line].isMissing, timeout: 120_000 },
    async () => {
      const app = (bucket: string): AppFolder => {
        const replicas = [{ type: 's3', bucket, endpoint: 'http://127.0.0.1:61999' }]
        const backup = { replicas, binary: litestreams[line].path }
        return appFolder({ 'handcar.config.js': `export default ${JSON.stringify({ backup })}` })
      }
      using keyless = app('backups')
      environment['AWS_EC2_METADATA_DISABLED'] = 'true'
      const said = await run(keyless, ['restore', '--to', 'look'], 1)
      assert.match(said, /fix: +Set LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY/)
      assert.doesNotMatch(said, /WARN/)
      environment['LITESTREAM_ACCESS_KEY_ID'] = environment['LITESTREAM_SECRET_ACCESS_KEY'] = 'key'
      assert.match(
        await run(keyless, ['restore'], 1),
        /127\.0\.0\.1:61999 cannot be reached: connect ECONNREFUSED/,
      )
      using address = app('s3://backups/app')
      assert.match(await run(address, ['restore', '--to', 'look'], 1), /expected the name of a bucket/)
      environment['LITESTREAM_ACCESS_KEY_ID'] = environment['LITESTREAM_SECRET_ACCESS_KEY'] = undefined
    },
  )

test('without a replica, or with a time that makes no sense', async () => {
  using folder = appFolder()
  assert.match(await run(folder, ['restore'], 1), /HANDCAR_BACKUP_OFF/)
  assert.match(await run(folder, ['restore', '--at', 'yesterday'], 2), /expected a time such as/)
})
