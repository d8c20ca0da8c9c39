import type { Migration } from '../database/index.ts'

/**
 * The tables of the part, in the app's own file. Only ever added to at the end.
 *
 * A job is one row from enqueue to pruning; its `state` moves. Every index is partial, so that a job is in the few that its
 * state needs: a waiting backlog, a million finished rows and 200,000 scheduled ones do not meet in any of them.
 *
 * Times are milliseconds since 1970. Small columns come first, because SQLite reads a row from its beginning.
 */
export const migrations: readonly Migration[] = [
  {
    name: '20261120120000_create_jobs',
    sql: `
create table handcar_jobs (
  id integer primary key autoincrement,
  name text not null,
  queue text not null,
  priority integer not null default 0, -- smaller first
  turn integer not null default 0, -- place in the round of the fair keys of its queue
  state text not null default 'available'
    check (state in ('available', 'scheduled', 'running', 'retryable', 'completed', 'cancelled', 'discarded')),
  blocked integer not null default 0, -- 0: free to run; 1: its limit is reached; 2: parked, because a process did not know its name or version; 3: parked, because its payload cannot be read
  version integer not null default 1,
  attempt integer not null default 0,
  max_attempts integer not null default 25,
  claims integer not null default 0, -- the fencing token: one more at each claim
  crashes integer not null default 0,
  created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
  scheduled_at integer,
  attempted_at integer,
  finished_at integer,
  worker_id integer,
  limit_count integer,
  rate_reserved_at integer, -- its place in the rate is taken for this time
  batch_id integer,
  parent_id integer,
  unique_while text check (unique_while in ('waiting', 'unfinished')),
  unique_until integer,
  unique_key text,
  limit_key text,
  rate_key text,
  fair_key text,
  cancel_reason text,
  reason text,
  tags text,
  trace text,
  payload text not null default 'null',
  result text,
  progress text
) strict;

create index handcar_jobs_for_claim on handcar_jobs (queue, priority, turn, id)
  where state = 'available' and blocked = 0;
create index handcar_jobs_for_promotion on handcar_jobs (scheduled_at)
  where state in ('scheduled', 'retryable');
create index handcar_jobs_for_rescue on handcar_jobs (worker_id)
  where state = 'running';
create index handcar_jobs_for_cancelling on handcar_jobs (worker_id)
  where state = 'running' and cancel_reason is not null;
create index handcar_jobs_for_limit on handcar_jobs (limit_key)
  where state = 'running' and limit_key is not null;
create index handcar_jobs_for_unblocking on handcar_jobs (limit_key, queue, priority, turn, id)
  where state = 'available' and blocked = 1;
create index handcar_jobs_for_unparking on handcar_jobs (name, blocked, version)
  where state = 'available' and blocked >= 2;
create index handcar_jobs_for_turns on handcar_jobs (queue, fair_key, turn)
  where state = 'available' and fair_key is not null;
create unique index handcar_jobs_for_uniqueness on handcar_jobs (unique_key)
  where unique_key is not null;
create index handcar_jobs_for_pruning on handcar_jobs (finished_at)
  where finished_at is not null;
create index handcar_jobs_for_batch on handcar_jobs (batch_id)
  where batch_id is not null;

create table handcar_job_errors (
  job_id integer not null references handcar_jobs on delete cascade,
  claim integer not null,
  attempt integer not null,
  started_at integer not null,
  duration integer not null,
  worker text,
  error text not null,
  stack text,
  primary key (job_id, claim)
) strict, without rowid;

create table handcar_job_logs (
  id integer primary key,
  job_id integer not null references handcar_jobs on delete cascade,
  at integer not null,
  text text not null
) strict;
create index handcar_job_logs_for_job on handcar_job_logs (job_id, id);

create table handcar_job_steps (
  job_id integer not null references handcar_jobs on delete cascade,
  name text not null,
  state text not null check (state in ('done', 'sleeping', 'waiting')),
  result text,
  wake_at integer,
  event text,
  at integer not null,
  primary key (job_id, name)
) strict, without rowid;
create index handcar_job_steps_for_event on handcar_job_steps (event, job_id) where state = 'waiting';

create table handcar_job_queues (
  name text primary key,
  paused_at integer
) strict, without rowid;

create table handcar_job_workers (
  id integer primary key autoincrement,
  pid integer not null,
  boot_id text not null,
  process_started_at text not null,
  lock text not null, -- the file that it holds locked while it lives
  name text not null,
  started_at integer not null,
  stopped_at integer
) strict;
create index handcar_job_workers_for_rescue on handcar_job_workers (id) where stopped_at is null;

create table handcar_job_rates (
  key text primary key,
  next_at real not null -- when the bucket will be full again
) strict, without rowid;

create table handcar_job_batches (
  id integer primary key autoincrement,
  parent_id integer,
  name text,
  metadata text,
  pending integer not null default 0,
  failed integer not null default 0,
  state text not null default 'open',
  on_success text,
  on_failure text,
  on_finish text,
  created_at integer not null,
  finished_at integer
) strict;

create table handcar_job_dependencies (
  job_id integer not null references handcar_jobs on delete cascade,
  needs_id integer not null,
  primary key (job_id, needs_id)
) strict, without rowid;
create index handcar_job_dependencies_for_release on handcar_job_dependencies (needs_id, job_id);

create table handcar_job_recurring (
  name text primary key,
  job text not null,
  payload text not null default 'null',
  schedule text not null,
  time_zone text,
  jitter integer not null default 0,
  overlap text not null default 'allow',
  missed text not null default 'one',
  paused_at integer,
  next_at integer,
  last_at integer,
  defined_in text not null default 'code'
) strict, without rowid;
create index handcar_job_recurring_for_tick on handcar_job_recurring (next_at) where paused_at is null;

create table handcar_job_ticks (
  name text not null,
  tick_at integer not null,
  job_id integer,
  primary key (name, tick_at)
) strict, without rowid;
`,
  },
]
