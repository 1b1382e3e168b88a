-- Agents in six states: what somebody chose stands apart from what a call makes of it.

-- What follows when the call or the wrap-up ends; null is `available`.
alter table agent_states add column next_state text;
alter table agent_states add column next_reason text;
alter table agent_states add column next_source text;
-- The call of `on_call` and `wrap_up`.
alter table agent_states add column call_id blob;
alter table agent_states add column wrap_up_until integer;
-- When the agent was last known to be connected, null without a socket since they chose: who works
-- by REST alone is never taken for gone.
alter table agent_states add column seen_at integer;
-- When the reason's time is over, and whether supervisors were told.
alter table agent_states add column limit_at integer;
alter table agent_states add column overdue integer not null default 0;
create index agent_states_wrapping_up on agent_states (wrap_up_until)
  where wrap_up_until is not null;
create index agent_states_limited on agent_states (limit_at)
  where limit_at is not null and overdue = 0;
-- Few are: who is offline is not looked for.
create index agent_states_seen on agent_states (seen_at) where seen_at is not null;

alter table agent_state_history add column call_id blob;

-- The calls an agent is in. Two at once are possible: `on_call` lasts until the last ends.
create table agent_calls (
  user_id     blob not null references users (id),
  call_id     blob not null,
  tenant_id   blob not null,
  answered_at integer not null,
  primary key (user_id, call_id)
) strict, without rowid;

-- Reasons to choose from, each with the minutes it may last.
create table agent_reasons (
  id            blob primary key,
  tenant_id     blob not null references tenants (id),
  name          text not null collate nocase,
  state         text not null check (state in ('away', 'busy', 'offline')),
  limit_minutes integer,
  version       integer not null default 1,
  created_at    integer not null,
  updated_at    integer not null
) strict, without rowid;
create unique index agent_reasons_by_name on agent_reasons (tenant_id, name);

-- How long agents have after a call: the tenant's rule and the exceptions to it.
create table floor_settings (
  tenant_id       blob primary key references tenants (id),
  wrap_up_seconds integer not null
) strict, without rowid;
create table agent_settings (
  user_id         blob primary key references users (id),
  tenant_id       blob not null,
  wrap_up_seconds integer not null
) strict, without rowid;

-- Whose extension a PBX speaks of.
create index users_by_extension on users (tenant_id, extension)
  where extension is not null and deleted_at is null;
