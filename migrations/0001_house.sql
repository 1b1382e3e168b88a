-- The house: who lives in it, what is said in it, and to whom it is owed.
-- Ids of entities are UUIDv7 as 16 bytes; times are milliseconds since the Unix epoch.

-- What the database knows of itself: `epoch` names this history, `created_at` its beginning.
create table meta (
  key   text primary key,
  value text not null
) strict, without rowid;

-- Numbers given out one after the other, where AUTOINCREMENT would look at the largest row.
create table counters (
  name  text primary key,
  value integer not null
) strict, without rowid;

create table tenants (
  id         blob primary key,
  name       text not null unique collate nocase,
  is_active  integer not null default 1,
  version    integer not null default 1,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

create table users (
  id              blob primary key,
  tenant_id       blob not null references tenants (id),
  email           text not null collate nocase,
  name            text not null,
  role            text not null check (role in ('customer', 'agent', 'supervisor', 'admin')),
  is_active       integer not null default 1,
  is_system_admin integer not null default 0,
  password_hash   text,
  phone           text,
  extension       text,
  locale          text,
  timezone        text,
  webhook_url     text,
  notify_prefs    text not null default '{}',
  last_login_at   integer,
  version         integer not null default 1,
  created_at      integer not null,
  updated_at      integer not null,
  deleted_at      integer
) strict, without rowid;
-- A deleted account keeps its e-mail address for the record, and a new one may have the same.
create unique index users_by_email on users (tenant_id, email) where deleted_at is null;
create index users_by_role on users (tenant_id, role);
create index system_admins on users (id) where is_system_admin;
-- Login names only an e-mail: every tenant that knows it is asked.
create index users_by_email_anywhere on users (email);

-- One sign-in. Its access tokens and sockets end when it is revoked.
create table sessions (
  id           blob primary key,
  tenant_id    blob not null,
  user_id      blob not null references users (id),
  address      text not null,
  agent        text not null,
  created_at   integer not null,
  last_seen_at integer not null,
  expires_at   integer not null,
  revoked_at   integer
) strict, without rowid;
create index sessions_by_user on sessions (user_id, created_at);
create index sessions_by_expiry on sessions (expires_at);

-- Refresh tokens by their SHA-256; a used one that comes back revokes its session.
create table refresh_tokens (
  hash       blob primary key,
  session_id blob not null references sessions (id) on delete cascade,
  expires_at integer not null,
  used_at    integer
) strict, without rowid;
create index refresh_tokens_by_session on refresh_tokens (session_id);

-- Programs' tokens (`dbk_…`) by their SHA-256.
create table api_tokens (
  id           blob primary key,
  tenant_id    blob not null references tenants (id),
  name         text not null,
  hash         blob not null unique,
  hint         text not null,
  scopes       text not null,
  created_by   blob not null,
  created_at   integer not null,
  expires_at   integer,
  revoked_at   integer
) strict, without rowid;
create index api_tokens_by_tenant on api_tokens (tenant_id, created_at);

-- Failed logins by what they are counted for (an address, an account at an address, an account).
create table login_failures (
  counted_for text not null,
  at_ms       integer not null
) strict;
create index login_failures_by_what on login_failures (counted_for, at_ms);
create index login_failures_by_time on login_failures (at_ms);

-- The one-use link that makes the first administrator, by the SHA-256 of its token.
create table setup_links (
  hash       blob primary key,
  expires_at integer not null
) strict, without rowid;

-- The log: every event in the order of its commit. `seq` is the cursor everywhere.
-- `data` goes when nobody is owed it any more; the rest is history.
create table events (
  seq       integer primary key autoincrement,
  id        blob not null,
  tenant_id blob not null,
  kind      text not null,
  audience  text not null,
  room      text not null,
  at_ms     integer not null,
  actor     text not null,
  data      text,
  changes   text
) strict;
create index events_by_tenant on events (tenant_id, seq);
create index events_for_everyone on events (tenant_id, seq) where audience = 'everyone';

-- Whom an event names: the customers of a `participants` event, the one of a `user:` event.
create table event_users (
  user_id blob not null,
  seq     integer not null references events (seq) on delete cascade,
  primary key (user_id, seq)
) strict, without rowid;
create index event_users_by_seq on event_users (seq);

-- Registered URLs. The secret is encrypted with the key file beside the database.
create table endpoints (
  id              integer primary key,
  tenant_id       blob not null references tenants (id),
  name            text not null,
  description     text not null default '',
  url             text not null,
  events          text not null,
  secret          blob not null,
  is_active       integer not null default 1,
  retry_count     integer not null,
  timeout_s       integer not null,
  payload_format  text not null check (payload_format in ('event', 'message', 'notification')),
  failure_streak  integer not null default 0,
  last_status     integer,
  last_attempt_at integer,
  version         integer not null default 1,
  created_at      integer not null,
  updated_at      integer not null,
  deleted_at      integer
) strict;
create index endpoints_by_tenant on endpoints (tenant_id, id);

-- One event owed to one endpoint. A row stays `waiting` until an attempt is settled.
create table deliveries (
  id          integer primary key autoincrement,
  event_seq   integer not null references events (seq),
  endpoint_id integer not null references endpoints (id),
  state       text not null
    check (state in ('waiting', 'delivered', 'failed', 'held', 'expired', 'cancelled')),
  attempts    integer not null default 0,
  due_at      integer not null,
  ended_at    integer
) strict;
create unique index deliveries_by_event on deliveries (event_seq, endpoint_id);
create index deliveries_open on deliveries (endpoint_id, state, due_at, id)
  where state in ('waiting', 'held');

-- One POST of a delivery, as the log shows it.
create table attempts (
  id               integer primary key autoincrement,
  delivery_id      integer not null references deliveries (id) on delete cascade,
  endpoint_id      integer not null,
  number           integer not null,
  state            text not null,
  http_status      integer,
  response_time_ms integer not null,
  error            text,
  response_body    text,
  at_ms            integer not null,
  next_attempt_at  integer
) strict;
create index attempts_by_endpoint on attempts (endpoint_id, id);
create index attempts_by_delivery on attempts (delivery_id);
-- Answers to good attempts are kept for the last hundred of an endpoint.
create index attempts_with_good_body on attempts (endpoint_id, id)
  where state = 'delivered' and response_body is not null;

-- What ended, by the hour: `/stats` never counts deliveries.
create table endpoint_hours (
  endpoint_id integer not null references endpoints (id) on delete cascade,
  hour        integer not null,
  delivered   integer not null default 0,
  failed      integer not null default 0,
  expired     integer not null default 0,
  cancelled   integer not null default 0,
  attempts    integer not null default 0,
  attempts_ok integer not null default 0,
  total_ms    integer not null default 0,
  primary key (endpoint_id, hour)
) strict, without rowid;

-- Answers given under an `Idempotency-Key`, kept for a day.
create table idempotency_keys (
  tenant_id   blob not null,
  key         text not null,
  fingerprint blob not null,
  status      integer not null,
  body        text not null,
  at_ms       integer not null,
  primary key (tenant_id, key)
) strict, without rowid;
create index idempotency_keys_by_time on idempotency_keys (at_ms);

-- What each agent is doing now, and what they did before.
create table agent_states (
  user_id   blob primary key references users (id),
  tenant_id blob not null,
  state     text not null,
  reason    text,
  since     integer not null,
  source    text not null
) strict, without rowid;
create index agent_states_by_tenant on agent_states (tenant_id);
create table agent_state_history (
  id         integer primary key autoincrement,
  tenant_id  blob not null,
  user_id    blob not null,
  state      text not null,
  reason     text,
  source     text not null,
  started_at integer not null,
  ended_at   integer
) strict;
create index agent_state_history_by_user on agent_state_history (tenant_id, user_id, id);
