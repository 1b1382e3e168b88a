-- One-use links by which somebody sets their own password, and people who are being forgotten.

-- By the SHA-256 of the link's token; one a user and kind at a time.
create table account_links (
  hash       blob primary key,
  tenant_id  blob not null references tenants (id),
  user_id    blob not null references users (id),
  kind       text not null check (kind in ('invite', 'reset')),
  expires_at integer not null
) strict, without rowid;
create unique index account_links_by_user on account_links (user_id, kind);
create index account_links_by_expiry on account_links (expires_at);

-- Somebody whose name is being taken out of everything that was written down: how far the job is,
-- and by which words they were known. The row goes with the last of them.
create table erasures (
  user_id   blob primary key references users (id),
  tenant_id blob not null,
  words     text not null,
  place     integer not null default 0,
  -- Where in that place: the key of the last row that was looked at.
  after_key any,
  after_more any
) strict, without rowid;
