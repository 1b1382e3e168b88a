-- Calls: what the telephone said about them, step by step, and what that makes of each.

-- `rid` counts in the order in which calls were first heard of. Everything down to `hold_ms` is
-- worked out anew from `call_steps` whenever a step is added; the rest is what people add to it.
create table calls (
  rid           integer primary key,
  id            blob not null unique,
  tenant_id     blob not null references tenants (id),
  -- Who speaks of it: `api`, `cti`, `ami:<name>`; its own name for the call is `external_id`.
  source        text not null,
  external_id   text,
  -- 0 while only the middle or the end of it was heard of: nobody is shown such a call.
  is_known      integer not null default 0,
  direction     text not null check (direction in ('inbound', 'outbound')),
  status        text not null check (status in
    ('queued', 'ringing', 'answered', 'on_hold', 'ended')),
  from_number   text,
  from_name     text,
  to_number     text,
  queue         text,
  was_queued    integer not null default 0,
  agent_id      blob,
  started_at    integer not null,
  ringing_at    integer,
  answered_at   integer,
  -- Since when somebody waits for an agent, or hears the music; null while they do not.
  waiting_since integer,
  held_since    integer,
  ended_at      integer,
  result        text,
  wait_ms       integer,
  talk_ms       integer,
  hold_ms       integer,
  -- The digits of the other side's number, without what is dialled before them.
  peer          text not null default '',
  customer_id   blob,
  ticket_id     blob,
  disposition   text,
  note          text,
  -- By our clock: when it was last heard of.
  touched_at    integer not null,
  version       integer not null default 1,
  created_at    integer not null,
  updated_at    integer not null,
  deleted_at    integer
) strict;
create unique index calls_by_external_id on calls (tenant_id, source, external_id)
  where external_id is not null;
-- Lists are walked from the newest; the common filters leave few, or are met soon.
create index calls_by_start on calls (tenant_id, started_at, queue, direction, answered_at, ended_at,
  wait_ms, is_known) where is_known;
create index calls_by_queue on calls (tenant_id, queue, started_at) where is_known;
create index calls_by_agent on calls (tenant_id, agent_id, started_at) where is_known;
create index calls_by_peer on calls (tenant_id, substr(peer, -7), started_at) where is_known;
create index calls_by_ticket on calls (tenant_id, ticket_id) where ticket_id is not null;
create index calls_by_customer on calls (tenant_id, customer_id, started_at)
  where customer_id is not null;
-- What goes on now, for the board, and what nobody has heard of for long, for the sweep.
create index calls_open on calls (tenant_id, status) where is_known and ended_at is null;
create index calls_untouched on calls (touched_at) where ended_at is null or not is_known;

-- What was said about a call, by the telephone or by people; the same thing twice is one row.
-- `at_ms` is the speaker's clock; `data` is JSON: the step itself.
create table call_steps (
  id       integer primary key,
  call_rid integer not null references calls (rid) on delete cascade,
  at_ms    integer not null,
  data     text not null
) strict;
create index call_steps_by_call on call_steps (call_rid, at_ms);

-- Who had a call, from when to when, and until when they may write up what was said.
create table call_parts (
  call_rid   integer not null references calls (rid) on delete cascade,
  agent_id   blob not null,
  number     integer not null,
  tenant_id  blob not null,
  started_at integer not null,
  ended_at   integer,
  wrap_until integer,
  wrapped_at integer,
  primary key (call_rid, agent_id, number)
) strict, without rowid;
create index call_parts_by_agent on call_parts (tenant_id, agent_id, started_at);
create index call_parts_wrapping on call_parts (wrap_until)
  where wrap_until is not null and wrapped_at is null;

-- Whose number it is: the last digits of what people wrote into an account.
create index users_by_phone on users (tenant_id, substr(
  replace(replace(replace(replace(replace(replace(replace(phone,
    ' ', ''), '-', ''), '(', ''), ')', ''), '/', ''), '.', ''), '+', ''), -7))
  where phone is not null and deleted_at is null;
