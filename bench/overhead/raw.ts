import type { RawDatabase } from '../harness/sqlite.ts'
import { createFile, noteBody } from './files.ts'
import { checkPage, checkPost, nextId, nextPage } from './operation.ts'
import type { Operation } from './operation.ts'

/** The driver by itself, with prepared statements. */
export function rawOperations(folder: string, reader: RawDatabase): Operation[] {
  const post = reader.prepare('select * from posts where id = ?')
  const page = reader.prepare('select * from posts where id > ? order by id limit 100')
  return [
    {
      name: 'point read: raw driver',
      run() {
        const id = nextId()
        checkPost(id, post.get(id))
      },
    },
    { name: '100 rows: raw driver', run: () => checkPage(page.all(nextPage())) },
    write('write: raw driver, NORMAL', 'raw-normal', createFile(folder, 'raw-normal')),
    write('write: raw driver, FULL', 'raw-full', createFile(folder, 'raw-full', 'full')),
  ]
}

function write(name: string, file: string, database: RawDatabase): Operation {
  const insert = database.prepare('insert into notes (body) values (?)')
  return { name, run: () => insert.run(noteBody), writesTo: file }
}
