import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { codeOf } from '../../../test/helpers/errors.ts'
import { litestreams } from '../../../test/helpers/litestream.ts'
import { folderReplica, Replicator } from '../../../test/helpers/replicator.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { Database } from '../../database/index.ts'
import { restoreFromReplicas, type RestoreOptions } from './restore.ts'

// Without #, ? and %20, behind which Litestream 0.5 looks for another file.
const odd = `an odd 'folder' "of" $HOME, {ü}: 100%`
const migrations = [{ name: '1_notes', sql: 'create table notes (text text) strict' }]

async function open(path: string): Promise<Database> {
  const database = new Database({ path, partMigrations: { test: migrations }, readers: false })
  await database.start()
  return database
}

async function note(path: string, text: string): Promise<void> {
  await using database = await open(path)
  await database.run('insert into notes values (?)', [text])
}

async function notes(path: string): Promise<string[]> {
  await using database = await open(path)
  return database.all<{ text: string }>('select text from notes order by rowid').map(({ text }) => text)
}

for (const line of ['0.3', '0.5'] as const)
  test(
    `places with odd names, behind links, and several at once (Litestream ${line})`,
    { skip: litestreams[line].isMissing, timeout: 240_000 },
    async () => {
      using folder = temporaryFolder()
      const data = folder.file(odd)
      mkdirSync(data)
      const path = join(data, 'app.sqlite3')
      const replica = folderReplica(join(data, 'replica $HOME'))
      await note(path, 'one')
      {
        const options = { line, path, replica, folder: data }
        await using replicator = new Replicator(options)
        await replicator.start()
        await replicator.untilSent()
        await replicator.stop()
      }
      await note(path, 'never sent')
      const restore = (options: Partial<RestoreOptions> = {}) =>
        restoreFromReplicas({
          databases: [{ name: 'app', path }],
          replicas: [replica],
          binary: { path: litestreams[line].path, line },
          environment: { HOME: '/nowhere' },
          now: Date.now(),
          ...options,
        })

      const [beside] = await restore({ to: join(data, 'look', 'here') })
      assert.deepEqual(await notes(beside!.path), ['one'])

      writeFileSync(folder.file('file'), 'a file')
      for (const to of [folder.file('file'), folder.file('file/inside')])
        assert.equal(await codeOf(() => restore({ to })), 'HANDCAR_RESTORE_TARGET')
      assert.equal(readFileSync(folder.file('file'), 'utf8'), 'a file')

      const link = folder.file('link.sqlite3')
      symlinkSync(path, link)
      const [linked] = await restore({ databases: [{ name: 'app', path: link }] })
      assert.ok(lstatSync(link).isSymbolicLink(), 'the link stays')
      assert.deepEqual([await notes(path), linked!.path], [['one'], path])
      assert.deepEqual(await notes(join(linked!.replaced!, 'app.sqlite3')), ['one', 'never sent'])

      // Two databases in one folder: both or none.
      const other = join(data, 'other.sqlite3')
      await note(path, 'two')
      await note(other, 'two')
      const databases = [path, other].map((each) => ({ name: 'app', path: each }))
      {
        await using _open = await open(other)
        assert.equal(await codeOf(() => restore({ databases })), 'HANDCAR_DATABASE_IN_USE')
      }
      assert.deepEqual([await notes(path), await notes(other)], [['one', 'two'], ['two']])
      const beforeSwitch = async (): Promise<void> => {
        throw new Error('the cache cannot be emptied')
      }
      const inPlace = { changes: [], beforeSwitch }
      await assert.rejects(restore({ databases, inPlace }), /cannot be emptied/)
      assert.deepEqual([await notes(path), await notes(other)], [['one', 'two'], ['two']])
      const both = await restore({ databases })
      assert.deepEqual(
        both.map((each) => each.path),
        [path, other],
      )
      assert.deepEqual([await notes(path), await notes(other)], [['one'], ['one']])
      const left = readdirSync(data).filter((name) => name.startsWith('.restore-'))
      assert.deepEqual(left, [])
    },
  )
