import { Client } from 'pg'
import type { Postgres } from '../harness/postgres.ts'
import { postCount } from './files.ts'
import type { Post } from './files.ts'
import { checkPost, nextId } from './operation.ts'
import type { Operation } from './operation.ts'

/** The name of the operation, for its target. */
export const postgresRead = 'point read: PostgreSQL, prepared, unix socket'

/** The same point read of the same rows, as a prepared statement of a PostgreSQL server on this machine. */
export async function postgresOperations(connection: Postgres['connection']): Promise<Operation[]> {
  const client = new Client(connection)
  await client.connect()
  await client.query(`
    create table posts (id integer primary key, title text not null, body text not null, score integer not null);
    insert into posts
    select id, 'Post ' || id, repeat('x', 200), id % 100 from generate_series(1, ${postCount}) as id;
    analyze posts;`)
  const text = 'select * from posts where id = $1'
  const run = async (): Promise<void> => {
    const id = nextId()
    const { rows } = await client.query<Post>({ name: 'post', text, values: [id] })
    checkPost(id, rows[0])
  }
  return [{ name: postgresRead, run }]
}
