import type { Migration } from '../database/index.ts'

/**
 * The cache's own file.
 *
 * - An entry is found by the hash of its space and key, as the rowid: one B-tree, no index on the key. Columns that every read
 *   needs stand before the value, so that a large value is not walked through for them.
 * - A space (the root, a namespace) is cleared by another generation, which gives its entries another number. What has a number that is
 *   not in the table of numbers is left over.
 * - Reads write nothing; when an entry was last used is kept apart, and only where something has to be evicted.
 * - The seed of the hash is the file's own, so that nobody can choose keys that collide.
 */
export const migrations: readonly Migration[] = [
  {
    name: '1_entries',
    sql: `
      create table handcar_cache_entries (
        id integer primary key,
        space integer not null,
        key text not null,
        version integer not null,
        expires_at integer check (expires_at >= 0),
        stale_until integer check (stale_until >= expires_at),
        created_at integer not null,
        cost integer not null default 0,
        tags text,
        kind integer not null,
        value any
      ) strict;
      create index handcar_cache_entries_for_sweep on handcar_cache_entries (stale_until)
        where stale_until is not null;

      create table handcar_cache_uses (
        id integer primary key,
        used_at integer not null
      ) strict;
      create trigger handcar_cache_entries_deleted after delete on handcar_cache_entries
      begin
        delete from handcar_cache_uses where id = old.id;
      end;

      create table handcar_cache_spaces (
        name text primary key,
        generation integer not null
      ) strict, without rowid;
      create table handcar_cache_space_numbers (
        number integer primary key,
        name text not null
      ) strict;

      create table handcar_cache_leases (
        id integer primary key,
        token integer not null,
        holder text not null,
        since integer not null
      ) strict;

      create table handcar_cache_state (
        id integer primary key check (id = 1),
        seed_low integer not null,
        seed_high integer not null,
        entries integer
      ) strict;
      insert into handcar_cache_state (id, seed_low, seed_high)
        values (1, random() & 0xffffffff, random() & 0xffffffff);
    `,
  },
  {
    // Whose factory waits for a value that another process makes, once that takes long: a circle of them would wait for ever.
    name: '2_waits',
    sql: `
      create table handcar_cache_waits (
        id integer not null,
        token integer not null,
        waits_for integer not null,
        primary key (id, waits_for)
      ) strict, without rowid;
      create trigger handcar_cache_leases_ended after delete on handcar_cache_leases
      begin
        delete from handcar_cache_waits where id = old.id;
      end;
    `,
  },
]

/**
 * The app's file, and the cache's own where there is no app: the versions of tags, so that an invalidation commits, or rolls back, with the write that causes it. A version is
 * random, so that one that was rolled back, or is gone by the restore of a backup, never matches again; `changed` says in which order
 * they were changed.
 */
export const tagMigrations: readonly Migration[] = [
  {
    name: '1_tags',
    sql: `
      create table handcar_cache_tags (
        tag text primary key,
        version integer not null,
        changed integer not null
      ) strict, without rowid;
      -- The version of all tags that were never invalidated: another one in each database that is begun anew.
      insert into handcar_cache_tags (tag, version, changed) values (char(0), random() & 0xffffffffffff, 0);
    `,
  },
  {
    // Limits and locks, which may be kept in either file.
    name: '2_limits',
    sql: `
      create table handcar_cache_limits (
        key text not null,
        policy text not null,
        ends_at integer not null,
        state text not null,
        primary key (key, policy)
      ) strict, without rowid;
      create index handcar_cache_limits_for_sweep on handcar_cache_limits (ends_at);

      create table handcar_cache_locks (
        key text primary key,
        token integer not null,
        holder text not null,
        expires_at integer,
        since integer not null
      ) strict, without rowid;
      create table handcar_cache_tokens (
        id integer primary key check (id = 1),
        last integer not null
      ) strict;
    `,
  },
]
