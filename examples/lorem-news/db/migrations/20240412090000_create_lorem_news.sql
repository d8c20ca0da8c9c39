-- A news site: users write posts, users comment on posts.
--
-- Every table is strict, every time is integer milliseconds, and the database refuses what the forms refuse.
-- Ids are never used twice (autoincrement): an old link must not lead to somebody else's post.
-- Each index is named after the query that it serves. The long text of a row stands last, so that a list need not read past it.

create table users (
  id integer primary key autoincrement,
  screen_name text not null collate nocase check (length(screen_name) between 3 and 30),
  password_digest text not null check (length(password_digest) between 20 and 255),
  posts_count integer not null default 0 check (posts_count >= 0),
  last_seen_at integer check (last_seen_at > 0),
  created_at integer not null check (created_at > 0),
  updated_at integer not null check (updated_at > 0),
  about text not null default '' check (length(about) <= 5000)
) strict;

create unique index users_by_screen_name on users (screen_name);

create table posts (
  id integer primary key autoincrement,
  public_id text not null generated always as (printf('%x%08x', id, created_at / 1000)) virtual,
  user_id integer not null references users (id) on delete cascade,
  title text not null check (length(title) between 5 and 200),
  tags text not null default '[]' check (json_valid(tags) and json_type(tags) = 'array'),
  comments_count integer not null default 0 check (comments_count >= 0),
  published_at integer not null check (published_at > 0),
  created_at integer not null check (created_at > 0),
  updated_at integer not null check (updated_at > 0),
  description text not null check (length(description) between 5 and 50000)
) strict;

create unique index posts_by_title on posts (title);
create unique index posts_by_public_id on posts (public_id);
create index posts_newest on posts (created_at);
create index posts_of_user on posts (user_id, created_at);

create table comments (
  id integer primary key autoincrement,
  post_id integer not null references posts (id) on delete cascade,
  user_id integer not null references users (id) on delete cascade,
  created_at integer not null check (created_at > 0),
  updated_at integer not null check (updated_at > 0),
  body text not null check (length(body) between 5 and 10000)
) strict;

create index comments_of_post on comments (post_id, created_at);
create index comments_of_user on comments (user_id, created_at);

create table sessions (
  id integer primary key autoincrement,
  user_id integer not null references users (id) on delete cascade,
  token_hash blob not null check (length(token_hash) = 32),
  user_agent text not null default '' check (length(user_agent) <= 500),
  ip_address text not null default '' check (length(ip_address) <= 100),
  last_seen_at integer not null check (last_seen_at > 0),
  created_at integer not null check (created_at > 0),
  updated_at integer not null check (updated_at > 0)
) strict;

create unique index sessions_by_token_hash on sessions (token_hash);
create index sessions_of_user on sessions (user_id, last_seen_at);
