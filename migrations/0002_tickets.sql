-- Tickets, who follows them, how they are found in lists, and the tools of those who answer them.

-- `rid` counts in the order of creation, for all tenants; side tables and the text index know a
-- ticket by it. `tags`, `followers` and `custom` are JSON, so that a list reads one row a ticket;
-- the side tables below hold the same for looking up.
create table tickets (
  rid                   integer primary key,
  id                    blob not null unique,
  tenant_id             blob not null references tenants (id),
  number                integer not null,
  subject               text not null,
  description           text not null,
  status                text not null check (status in
    ('open', 'in_progress', 'pending', 'on_hold', 'resolved', 'closed')),
  -- 1 low, 2 normal, 3 high, 4 urgent: lists are sorted by it.
  priority              integer not null check (priority between 1 and 4),
  type                  text,
  channel               text not null,
  requester_id          blob not null references users (id),
  assignee_id           blob references users (id),
  team_id               blob,
  created_by            blob,
  tags                  text not null default '[]',
  custom                text not null default '{}',
  followers             text not null default '[]',
  due_at                integer,
  first_responded_at    integer,
  resolved_at           integer,
  closed_at             integer,
  reopened_count        integer not null default 0,
  waiting_since         integer,
  comment_count         integer not null default 0,
  last_comment_at       integer,
  merged_into_id        blob,
  call_id               blob,
  chat_id               blob,
  -- For staff only.
  first_response_due_at integer,
  resolution_due_at     integer,
  last_activity_at      integer not null,
  internal_note_count   integer not null default 0,
  version               integer not null default 1,
  created_at            integer not null,
  updated_at            integer not null,
  deleted_at            integer
) strict;
create unique index tickets_by_number on tickets (tenant_id, number);
-- A list is walked in its order, and the common filters are judged without reading the rows.
create index tickets_by_update on tickets (tenant_id, updated_at, status, priority, assignee_id,
  team_id, type, channel, requester_id, created_at, deleted_at) where deleted_at is null;
create index tickets_by_creation on tickets (tenant_id, created_at, status, priority, assignee_id,
  team_id, type, channel, requester_id, updated_at, deleted_at) where deleted_at is null;
-- Filters that leave many are judged without reading the rows, too ...
create index tickets_by_status on tickets (tenant_id, status, updated_at, priority, assignee_id,
  team_id, type, channel, created_at, deleted_at) where deleted_at is null;
create index tickets_by_priority on tickets (tenant_id, priority, updated_at, status, assignee_id,
  team_id, type, channel, created_at, deleted_at) where deleted_at is null;
create index tickets_by_type on tickets (tenant_id, type, updated_at, status, priority,
  assignee_id, team_id, channel, created_at, deleted_at) where deleted_at is null;
create index tickets_by_channel on tickets (tenant_id, channel, updated_at, status, priority,
  assignee_id, team_id, type, created_at, deleted_at) where deleted_at is null;
create index tickets_by_assignee on tickets (tenant_id, assignee_id, updated_at, status, priority,
  team_id, type, channel, created_at, deleted_at) where deleted_at is null;
create index tickets_by_team on tickets (tenant_id, team_id, updated_at, status, priority,
  assignee_id, type, channel, created_at, deleted_at) where deleted_at is null;
-- ... and one that leaves few is short.
create index tickets_by_requester on tickets (tenant_id, requester_id, updated_at)
  where deleted_at is null;
create index tickets_deleted on tickets (tenant_id, deleted_at) where deleted_at is not null;

create table ticket_followers (
  ticket_rid integer not null references tickets (rid),
  user_id    blob not null references users (id),
  primary key (ticket_rid, user_id)
) strict, without rowid;
create index ticket_followers_by_user on ticket_followers (user_id, ticket_rid);

-- Tags of living tickets only, so that they can be counted here.
create table ticket_tags (
  tenant_id  blob not null,
  tag        text not null,
  ticket_rid integer not null references tickets (rid),
  primary key (tenant_id, tag, ticket_rid)
) strict, without rowid;
create index ticket_tags_by_ticket on ticket_tags (ticket_rid);

-- The words of subjects, for `q` in lists. `who` holds one word for the tenant.
create virtual table ticket_words using fts5 (
  who, subject, content = '', contentless_delete = 1,
  tokenize = 'unicode61 remove_diacritics 2'
);

-- How many living tickets there are, so that no list counts a hundred thousand rows.
create table ticket_counts (
  tenant_id blob not null,
  status    text not null,
  count     integer not null,
  primary key (tenant_id, status)
) strict, without rowid;
create trigger tickets_counted_in after insert on tickets when new.deleted_at is null begin
  insert into ticket_counts values (new.tenant_id, new.status, 1)
    on conflict do update set count = count + 1;
end;
create trigger tickets_counted_out after update of status, deleted_at on tickets
when old.deleted_at is null
  and (new.deleted_at is not null or new.status is not old.status) begin
  update ticket_counts set count = count - 1
    where tenant_id = old.tenant_id and status = old.status;
end;
create trigger tickets_counted_again after update of status, deleted_at on tickets
when new.deleted_at is null
  and (old.deleted_at is not null or new.status is not old.status) begin
  insert into ticket_counts values (new.tenant_id, new.status, 1)
    on conflict do update set count = count + 1;
end;

-- Which events speak of a thing: its timeline.
create table event_subjects (
  subject blob not null,
  seq     integer not null,
  primary key (subject, seq)
) strict, without rowid;

-- What supervisors and agents keep for their work. `body` is JSON.
create table calendars (
  id         blob primary key,
  tenant_id  blob not null references tenants (id),
  owner_id   blob,
  name       text not null,
  body       text not null,
  version    integer not null default 1,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
) strict, without rowid;
create index calendars_by_tenant on calendars (tenant_id, name) where deleted_at is null;
create table sla_policies (
  id         blob primary key,
  tenant_id  blob not null references tenants (id),
  owner_id   blob,
  name       text not null,
  body       text not null,
  version    integer not null default 1,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
) strict, without rowid;
create index sla_policies_by_tenant on sla_policies (tenant_id, name) where deleted_at is null;
create table macros (
  id         blob primary key,
  tenant_id  blob not null references tenants (id),
  owner_id   blob,
  name       text not null,
  body       text not null,
  version    integer not null default 1,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
) strict, without rowid;
create index macros_by_tenant on macros (tenant_id, name) where deleted_at is null;
create table views (
  id         blob primary key,
  tenant_id  blob not null references tenants (id),
  owner_id   blob,
  name       text not null,
  body       text not null,
  version    integer not null default 1,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
) strict, without rowid;
create index views_by_tenant on views (tenant_id, name) where deleted_at is null;

-- One clock a ticket and target. It keeps what its policy promised when it was started; `used_ms`
-- is working time used up until `running_since`, which is null while the clock is paused or stopped.
-- `warned_at`, `breached_at` and `met_at` tell that the event was said: each once.
create table sla_clocks (
  ticket_rid     integer not null references tickets (rid),
  target         text not null check (target in ('first_response', 'resolution')),
  tenant_id      blob not null,
  policy_id      blob not null,
  policy_name    text not null,
  calendar_id    blob,
  target_minutes integer not null,
  used_ms        integer not null default 0,
  running_since  integer,
  due_at         integer not null,
  warn_at        integer not null,
  warned_at      integer,
  breached_at    integer,
  met_at         integer,
  stopped_at     integer,
  -- When the next event is due; null when none is.
  next_at        integer,
  primary key (ticket_rid, target)
) strict, without rowid;
create index sla_clocks_by_due on sla_clocks (next_at) where next_at is not null;
