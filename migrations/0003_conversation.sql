-- What is said on tickets, and the files that hang on tickets, comments and articles.

-- `rid` counts in the order of writing, for all tenants; lists follow it and the text index knows a
-- comment by it. It is never shown: its gaps would tell of internal notes.
-- `mentions` is a JSON array of ids.
create table comments (
  rid        integer primary key,
  id         blob not null unique,
  tenant_id  blob not null references tenants (id),
  ticket_id  blob not null,
  author_id  blob not null references users (id),
  body       text not null,
  format     text not null check (format in ('text', 'markdown')),
  visibility text not null check (visibility in ('public', 'internal')),
  mentions   text not null default '[]',
  edited_at  integer,
  version    integer not null default 1,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
) strict;
-- Staff read all of a ticket, its customers walk the second one: not even the time a query takes
-- depends on internal notes.
create index comments_by_ticket on comments (ticket_id, rid) where deleted_at is null;
create index comments_in_public on comments (ticket_id, rid)
  where deleted_at is null and visibility = 'public';

-- One row a file. The content lies in the folder `attachments` under its SHA-256, once for all rows
-- that name it, and goes some time after the last living one.
create table attachments (
  id           blob primary key,
  tenant_id    blob not null references tenants (id),
  parent_type  text not null check (parent_type in ('ticket', 'comment', 'kb_article')),
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
create index attachments_by_parent on attachments (parent_id, created_at, id)
  where deleted_at is null;
create index attachments_by_content on attachments (sha256) where deleted_at is null;
