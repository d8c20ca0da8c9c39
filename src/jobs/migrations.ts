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
  blocked integer not null default 0, -- 0: free to run; 1: its limit is reached; 2: parked, because a process did not know its name or version; 3: parked, because its payload cannot be read; 4: its name is paused
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
create index handcar_jobs_for_pruning on handcar_jobs (state, finished_at)
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
  kind text not null check (kind in ('step', 'write', 'sleep', 'wait', 'cursor')),
  state text not null check (state in ('running', 'retrying', 'done', 'failed', 'sleeping', 'waiting')),
  tries integer not null default 0, -- how often it was begun
  started_at integer not null,
  finished_at integer,
  wake_at integer, -- of a sleep, a wait with a timeout, a step that is tried again
  key text, -- the idempotency key
  event text,
  heard integer, -- the event that ended the wait
  error text,
  result text, -- of a cursor: where it stands
  primary key (job_id, name)
) strict, without rowid;
create index handcar_job_steps_for_event on handcar_job_steps (event, job_id, name) where state = 'waiting';

create table handcar_job_events (
  id integer primary key autoincrement,
  event text not null,
  after_job integer not null, -- the last job that was enqueued before
  emitted_at integer not null,
  expires_at integer not null,
  is_delivering integer not null default 0, -- not all jobs that wait for it have it yet
  payload text not null
) strict;
create index handcar_job_events_for_wait on handcar_job_events (event, after_job, id);
create index handcar_job_events_for_delivery on handcar_job_events (event, id) where is_delivering = 1;
create index handcar_job_events_for_pruning on handcar_job_events (expires_at);

create table handcar_job_pauses (
  kind text not null check (kind in ('queue', 'name')), -- a queue, or the jobs of a name
  name text not null,
  paused_at integer not null,
  primary key (kind, name)
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
  parent_id integer references handcar_job_batches on delete cascade,
  state text not null default 'held' -- held: stays open also when nothing is pending
    check (state in ('held', 'open', 'completed', 'failed', 'cancelled')),
  pending integer not null default 0, -- jobs and nested batches that have not ended; the triggers count the jobs
  total integer not null default 0, -- jobs
  completed integer not null default 0,
  discarded integer not null default 0,
  cancelled integer not null default 0,
  closings integer not null default 0, -- more than 1 when it was opened again
  created_at integer not null,
  finished_at integer,
  name text,
  cancelling integer not null default 0, -- 1 until all that waits in it is cancelled
  cancel_reason text
) strict;
create index handcar_job_batches_for_closing on handcar_job_batches (id) where state = 'open' and pending = 0;
create index handcar_job_batches_for_reopening on handcar_job_batches (id) where finished_at is not null and pending > 0;
create index handcar_job_batches_for_cancelling on handcar_job_batches (id) where cancelling = 1;
create index handcar_job_batches_for_tree on handcar_job_batches (parent_id) where parent_id is not null;
create index handcar_job_batches_for_pruning on handcar_job_batches (finished_at) where finished_at is not null;

create table handcar_job_batch_details (
  batch_id integer primary key references handcar_job_batches on delete cascade,
  metadata text,
  on_success text, -- the row of the job, as JSON
  on_failure text,
  on_finish text
) strict;

create table handcar_job_callbacks (
  job_id integer primary key references handcar_jobs on delete cascade,
  batch_id integer not null references handcar_job_batches on delete cascade,
  closing integer not null,
  kind text not null check (kind in ('success', 'failure', 'finish')),
  unique (batch_id, closing, kind)
) strict;

create table handcar_job_nodes (
  batch_id integer not null references handcar_job_batches on delete cascade,
  name text not null,
  kind text not null check (kind in ('job', 'batch')),
  target_id integer not null,
  primary key (batch_id, name)
) strict, without rowid;

create table handcar_job_dependencies (
  job_id integer not null references handcar_jobs on delete cascade,
  needs text not null check (needs in ('job', 'batch')),
  needs_id integer not null,
  state text not null default 'waiting' check (state in ('waiting', 'met', 'failed')),
  if_failed text not null default 'cancel' check (if_failed in ('cancel', 'run')),
  delay integer, -- milliseconds from when nothing is waited for any more
  run_at integer, -- not before this time
  name text, -- what the workflow calls it
  primary key (job_id, needs, needs_id)
) strict, without rowid;
create index handcar_job_dependencies_for_needed on handcar_job_dependencies (needs, needs_id, state, job_id);
create index handcar_job_dependencies_for_waiting on handcar_job_dependencies (job_id) where state = 'waiting';

create table handcar_job_releases ( -- ended or gone, with others that still wait for it
  needs text not null,
  needs_id integer not null,
  primary key (needs, needs_id)
) strict, without rowid;

-- The counts of batches, whoever changes a job, and by whatever statement. Jobs outside of batches only pay for the look.
create trigger handcar_jobs_join_batch after insert on handcar_jobs
  when new.batch_id is not null
begin
  update handcar_job_batches set pending = pending + 1, total = total + 1
  where id = new.batch_id and state in ('held', 'open');
  select raise(abort, 'HANDCAR_BATCH_CLOSED: the batch of the job is not open') where changes() = 0;
end;
create trigger handcar_jobs_end_in_batch after update of finished_at on handcar_jobs
  when new.batch_id is not null and old.finished_at is not new.finished_at
begin
  update handcar_job_batches
  set pending = pending + (new.finished_at is null) - (old.finished_at is null),
    completed = completed + (new.state = 'completed') - (old.state = 'completed'),
    discarded = discarded + (new.state = 'discarded') - (old.state = 'discarded'),
    cancelled = cancelled + (new.state = 'cancelled') - (old.state = 'cancelled')
  where id = new.batch_id;
end;
create trigger handcar_jobs_leave_batch after delete on handcar_jobs
  when old.finished_at is null
begin
  update handcar_job_batches set pending = pending - 1, total = total - 1 where id = old.batch_id;
  insert or ignore into handcar_job_releases
  select 'job', old.id where exists (
    select 1 from handcar_job_dependencies where needs = 'job' and needs_id = old.id and state = 'waiting'
  );
end;
create trigger handcar_job_batches_leave_batch after delete on handcar_job_batches
  when old.finished_at is null
begin
  update handcar_job_batches set pending = pending - 1 where id = old.parent_id;
  insert or ignore into handcar_job_releases
  select 'batch', old.id where exists (
    select 1 from handcar_job_dependencies where needs = 'batch' and needs_id = old.id and state = 'waiting'
  );
end;

create table handcar_job_recurring (
  name text primary key,
  job text not null,
  schedule text not null, -- a cron expression, or 'every' and milliseconds
  time_zone text not null default 'UTC',
  payload text, -- null: the code makes one for each tick
  jitter integer not null default 0,
  overlap text not null default 'skip' check (overlap in ('allow', 'skip')),
  missed text not null default 'one', -- 'skip', 'one', or 'all' and how many
  queue text,
  priority integer,
  code text, -- these settings as the code had them last, as JSON; null: it was made at run time
  paused_at integer,
  ticked_until integer not null, -- every tick up to this time has been dealt with
  next_at integer, -- the first tick after that; null: there is none any more
  last_at integer,
  last_job_id integer
) strict, without rowid;
create index handcar_job_recurring_for_tick on handcar_job_recurring (next_at)
  where paused_at is null and next_at is not null;

create table handcar_job_ticks (
  name text not null,
  tick_at integer not null,
  job_id integer,
  skipped text, -- why it made no job
  primary key (name, tick_at)
) strict, without rowid;
`,
  },
]
