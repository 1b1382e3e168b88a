-- Chats: conversations of customers, and of visitors of other sites, with staff.

-- A visitor has no account: `visitor_id` stands where a user's id would, and is nobody else's.
-- `last_number` is the number of the last message, so it counts them too.
create table chats (
  rid             integer primary key,
  id              blob not null unique,
  tenant_id       blob not null references tenants (id),
  status          text not null check (status in ('open', 'pending', 'closed')),
  customer_id     blob references users (id),
  visitor_id      blob,
  visitor_name    text,
  visitor_email   text,
  assignee_id     blob references users (id),
  team_id         blob,
  ticket_id       blob,
  last_number     integer not null default 0,
  last_message_at integer not null,
  closed_at       integer,
  version         integer not null default 1,
  created_at      integer not null,
  updated_at      integer not null,
  check ((customer_id is null) <> (visitor_id is null))
) strict;
create index chats_by_activity on chats (tenant_id, last_message_at);
create index chats_by_customer on chats (customer_id, last_message_at)
  where customer_id is not null;
-- How busy somebody is, and what waits for a team.
create index chats_in_hand on chats (assignee_id) where status <> 'closed';
create index chats_waiting on chats (team_id, rid) where status <> 'closed' and assignee_id is null;

-- In the order of writing, where a chat is read from. A deleted one stays without its text, so that
-- numbers have no gaps. `author_id` is null for the visitor.
create table chat_messages (
  chat_id       blob not null references chats (id),
  number        integer not null,
  id            blob not null,
  tenant_id     blob not null,
  client_msg_id text,
  author_id     blob references users (id),
  author_kind   text not null check (author_kind in ('staff', 'customer', 'visitor')),
  body          text not null,
  edited_at     integer,
  version       integer not null default 1,
  created_at    integer not null,
  updated_at    integer not null,
  deleted_at    integer,
  primary key (chat_id, number)
) strict, without rowid;
create unique index chat_messages_by_id on chat_messages (id);
-- The same thing sent again by the same person is one message.
create unique index chat_messages_once
  on chat_messages (chat_id, client_msg_id, coalesce(author_id, x''))
  where client_msg_id is not null;

-- How far somebody has read: a cursor that only goes forward.
create table chat_reads (
  chat_id   blob not null references chats (id),
  reader_id blob not null,
  number    integer not null,
  read_at   integer not null,
  primary key (chat_id, reader_id)
) strict, without rowid;

-- What lets a visitor into one chat for a day, by its SHA-256.
create table visitor_tokens (
  hash       blob primary key,
  tenant_id  blob not null references tenants (id),
  chat_id    blob not null references chats (id),
  visitor_id blob not null,
  expires_at integer not null
) strict, without rowid;
create index visitor_tokens_by_expiry on visitor_tokens (expires_at);

-- What a tenant decided about its chats. `key` names the tenant to the widget; it is no secret.
create table chat_settings (
  tenant_id     blob primary key references tenants (id),
  visitors      integer not null default 0,
  key           text not null unique,
  team_id       blob,
  max_per_agent integer not null,
  version       integer not null default 1,
  updated_at    integer not null
) strict, without rowid;

-- The sites (origins) whose pages may show a tenant's widget.
create table chat_sites (
  origin    text not null,
  tenant_id blob not null references tenants (id),
  primary key (origin, tenant_id)
) strict, without rowid;
create index chat_sites_by_tenant on chat_sites (tenant_id);

-- Files hang on messages too: SQLite changes a check only with its table.
create table attachments_with_chats (
  id           blob primary key,
  tenant_id    blob not null references tenants (id),
  parent_type  text not null
    check (parent_type in ('ticket', 'comment', 'kb_article', 'chat_message')),
  parent_id    blob not null,
  filename     text not null,
  content_type text not null,
  size         integer not null,
  sha256       blob not null,
  uploaded_by  blob not null references users (id),
  version      integer not null default 1,
  created_at   integer not null,
  updated_at   integer not null,
  deleted_at   integer
) strict, without rowid;
insert into attachments_with_chats
  (id, tenant_id, parent_type, parent_id, filename, content_type, size, sha256, uploaded_by,
   version, created_at, updated_at, deleted_at)
  select id, tenant_id, parent_type, parent_id, filename, content_type, size, sha256, uploaded_by,
   version, created_at, updated_at, deleted_at from attachments;
drop table attachments;
alter table attachments_with_chats rename to attachments;
create index attachments_by_parent on attachments (parent_id, created_at, id)
  where deleted_at is null;
create index attachments_by_content on attachments (sha256) where deleted_at is null;
