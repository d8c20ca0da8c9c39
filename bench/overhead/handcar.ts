import { sql } from 'handcar/database'
import type { Database } from 'handcar/database'
import { createFile, noteBody, openHandcar } from './files.ts'
import { checkPage, checkPost, nextId, nextPage } from './operation.ts'
import type { Operation } from './operation.ts'

/** handcar's own methods. */
export async function handcarOperations(folder: string, database: Database): Promise<Operation[]> {
  return [
    {
      name: 'point read: database.get(text)',
      run() {
        const id = nextId()
        checkPost(id, database.get('select * from posts where id = ?', [id]))
      },
    },
    {
      name: 'point read: database.get(sql``)',
      run() {
        const id = nextId()
        checkPost(id, database.get(sql`select * from posts where id = ${id}`))
      },
    },
    {
      name: '100 rows: database.all(sql``)',
      run: () =>
        checkPage(database.all(sql`select * from posts where id > ${nextPage()} order by id limit 100`)),
    },
    await write(folder, 'os'),
    await write(folder, 'disk'),
  ]
}

async function write(folder: string, durability: 'os' | 'disk'): Promise<Operation> {
  const file = `handcar-${durability}`
  createFile(folder, file).close()
  const database = await openHandcar(folder, file, durability)
  const run = (): unknown => database.run(sql`insert into notes (body) values (${noteBody})`)
  return { name: `write: database.run, ${durability}`, run, writesTo: file }
}
