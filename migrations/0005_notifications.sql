-- Who belongs together, who is told what, and where one's own notifications are posted to.

-- A group of staff that tickets, calls and chats are given to.
create table teams (
  id          blob primary key,
  tenant_id   blob not null references tenants (id),
  name        text not null collate nocase,
  lead_id     blob references users (id),
  assignment  text not null check (assignment in ('manual', 'round_robin', 'least_busy')),
  queue_names text not null default '[]',
  version     integer not null default 1,
  created_at  integer not null,
  updated_at  integer not null,
  deleted_at  integer
) strict, without rowid;
-- The name of a team that was dissolved is free again.
create unique index teams_by_name on teams (tenant_id, name) where deleted_at is null;

create table team_members (
  team_id  blob not null references teams (id),
  user_id  blob not null references users (id),
  position integer not null,
  primary key (team_id, user_id)
) strict, without rowid;
create index team_members_by_user on team_members (user_id);

-- What people were told: at most once a person and event, which is therefore the key, and in the
-- order of events. `number` counts a person's notifications, so that old ones can go without a
-- look at all. Its version, and when it last changed, follow from `read_at`: it changes once.
create table notifications (
  user_id      blob not null references users (id),
  event_seq    integer not null,
  number       integer not null,
  id           blob not null,
  tenant_id    blob not null,
  type         text not null,
  message      text not null,
  related_id   text not null,
  related_type text not null,
  actor_id     blob,
  reason       text not null,
  created_at   integer not null,
  read_at      integer,
  primary key (user_id, event_seq)
) strict, without rowid;
-- The badge counts this index alone.
create index notifications_unread on notifications (user_id) where read_at is null;

-- A person's own endpoint: the tenant does not list or count it, and only what that person is told
-- is owed to it. Cleared, the row stays with its log and waits to be set again.
alter table endpoints add column user_id blob references users (id);
create unique index endpoints_by_user on endpoints (user_id) where user_id is not null;

-- What the internal receiver took for its user.
create table received_notifications (
  id          integer primary key autoincrement,
  tenant_id   blob not null,
  user_id     blob not null references users (id),
  -- The event's id, when it came signed: the same delivery is stored once.
  webhook_id  text,
  body        text not null,
  received_at integer not null
) strict;
create index received_notifications_by_user on received_notifications (user_id, id);
create unique index received_notifications_once on received_notifications (user_id, webhook_id)
  where webhook_id is not null;
