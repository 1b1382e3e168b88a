-- What webhooks got beside the engine: keys that go on for a while, headers of one's own, deliveries
-- sent again, the tenants' own event types, and a log that forgets.

-- `old_keys` are the secrets before the present one with the time each ends, `headers` what is sent
-- along: both are sealed like `secret`. The names of the headers may be seen.
alter table endpoints add column old_keys blob;
alter table endpoints add column headers blob;
alter table endpoints add column header_names text not null default '[]';

-- How many webhooks an event has already come through.
alter table events add column hops integer not null default 0;

-- Attempts made before the delivery was last put back into the queue: the waits of the schedule
-- count from there.
alter table deliveries add column attempts_before integer not null default 0;
-- What was given up without an attempt to show for it.
create index deliveries_given_up on deliveries (endpoint_id, id)
  where state in ('expired', 'cancelled');

-- Deliveries of one endpoint being put back into the queue. `cursor` is the last event looked at;
-- `last_seq` and the state that a delivery was in when the job was made bound what it touches.
create table replays (
  id          integer primary key autoincrement,
  tenant_id   blob not null references tenants (id),
  endpoint_id integer not null references endpoints (id),
  state       text not null check (state in ('running', 'done', 'cancelled')),
  since_ms    integer not null,
  until_ms    integer not null,
  events      text not null,
  states      text not null,
  first_seq   integer not null,
  last_seq    integer not null,
  cursor      integer not null,
  total       integer not null,
  queued      integer not null default 0,
  data_gone   integer not null default 0,
  created_by  blob not null,
  created_at  integer not null,
  ended_at    integer
) strict;
create unique index replays_running on replays (endpoint_id) where state = 'running';
create index replays_by_tenant on replays (tenant_id, id);

-- How long good attempts took, by the hour: a count for each stretch of time (`bucket`).
create table endpoint_times (
  endpoint_id integer not null references endpoints (id) on delete cascade,
  hour        integer not null,
  bucket      integer not null,
  attempts    integer not null,
  primary key (endpoint_id, hour, bucket)
) strict, without rowid;

-- A tenant's own types of events, described and checked. `example` and `schema` are JSON.
create table event_types (
  tenant_id   blob not null references tenants (id),
  name        text not null,
  description text not null,
  example     text not null,
  schema      text not null,
  version     integer not null default 1,
  created_at  integer not null,
  updated_at  integer not null,
  primary key (tenant_id, name)
) strict, without rowid;

-- Up to `meta.trimmed` the log no longer answers, and up to `meta.purged` events have lost their
-- data, but for these: somebody is still owed them, or was until lately. `look_at` says when to ask
-- again.
create table events_kept (
  seq     integer primary key,
  look_at integer not null
) strict;
create index events_kept_by_time on events_kept (look_at);
-- An event that goes takes along what it spoke of.
create index event_subjects_by_seq on event_subjects (seq);
