import type { ColumnType, Generated, GeneratedAlways } from 'kysely'

/** The tables, as `db/migrations` creates them. Times are milliseconds since 1970. */
export interface Schema {
  users: UsersTable
  posts: PostsTable
  comments: CommentsTable
  sessions: SessionsTable
}

interface UsersTable extends Timestamps {
  id: GeneratedAlways<number>
  screen_name: string
  password_digest: string
  about: Generated<string>
  /** Kept by triggers. */
  posts_count: KeptByTrigger
  last_seen_at: number | null
}

interface PostsTable extends Timestamps {
  id: GeneratedAlways<number>
  /** The id and the second of creation, in hexadecimal. */
  public_id: GeneratedAlways<string>
  user_id: number
  title: string
  description: string
  /** A JSON array of texts. */
  tags: Generated<string>
  /** Kept by triggers. */
  comments_count: KeptByTrigger
  published_at: number
}

interface CommentsTable extends Timestamps {
  id: GeneratedAlways<number>
  post_id: number
  user_id: number
  body: string
}

interface SessionsTable extends Timestamps {
  id: GeneratedAlways<number>
  user_id: number
  /** SHA-256 of the token in the cookie: who reads the table cannot sign in with it. */
  token_hash: Buffer
  user_agent: Generated<string>
  ip_address: Generated<string>
  last_seen_at: number
}

interface Timestamps {
  created_at: number
  updated_at: number
}

type KeptByTrigger = ColumnType<number, never, never>
