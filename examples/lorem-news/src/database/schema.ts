// Written from the database by schemaTypes(). Do not edit.
import type { Generated, GeneratedAlways } from 'kysely'

export interface Schema {
  comments: {
    id: Generated<number>
    post_id: number
    user_id: number
    created_at: number
    updated_at: number
    body: string
  }
  digests: {
    day: string
    posts: number
    mails: number
    created_at: number
  }
  mails: {
    id: Generated<number>
    user_id: number
    key: string
    created_at: number
    subject: string
    body: string
  }
  posts: {
    id: Generated<number>
    public_id: GeneratedAlways<string>
    user_id: number
    title: string
    tags: Generated<string>
    comments_count: Generated<number>
    published_at: number
    created_at: number
    updated_at: number
    description: string
    votes_count: Generated<number>
  }
  sessions: {
    id: Generated<number>
    user_id: number
    token_hash: Uint8Array
    user_agent: Generated<string>
    ip_address: Generated<string>
    last_seen_at: number
    created_at: number
    updated_at: number
  }
  users: {
    id: Generated<number>
    screen_name: string
    password_digest: string
    posts_count: Generated<number>
    last_seen_at: number | null
    created_at: number
    updated_at: number
    about: Generated<string>
  }
  votes: {
    post_id: number
    user_id: number
    created_at: number
  }
}
