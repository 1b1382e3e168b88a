-- The knowledge base, and the text that can be searched.

create table kb_categories (
  id         blob primary key,
  tenant_id  blob not null references tenants (id),
  name       text not null collate nocase,
  position   integer not null default 0,
  version    integer not null default 1,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
) strict, without rowid;
create unique index kb_categories_by_name on kb_categories (tenant_id, name)
  where deleted_at is null;

create table kb_articles (
  rid          integer primary key,
  id           blob not null unique,
  tenant_id    blob not null references tenants (id),
  category_id  blob references kb_categories (id),
  slug         text not null,
  title        text not null,
  body         text not null,
  excerpt      text not null,
  status       text not null check (status in ('draft', 'published', 'archived')),
  visibility   text not null check (visibility in ('public', 'internal')),
  author_id    blob not null,
  tags         text not null,
  views        integer not null default 0,
  helpful_yes  integer not null default 0,
  helpful_no   integer not null default 0,
  published_at integer,
  version      integer not null default 1,
  created_at   integer not null,
  updated_at   integer not null,
  deleted_at   integer
) strict;
create index kb_articles_by_tenant on kb_articles (tenant_id, updated_at) where deleted_at is null;
create index kb_articles_by_category on kb_articles (category_id);

-- Every slug an article ever had: old ones redirect, and none is given out twice.
create table kb_slugs (
  tenant_id  blob not null,
  slug       text not null,
  article_id blob not null references kb_articles (id) deferrable initially deferred,
  primary key (tenant_id, slug)
) strict, without rowid;

-- One vote of a signed-in person for an article; the last one counts.
create table kb_votes (
  article_id blob not null references kb_articles (id),
  user_id    blob not null,
  helpful    integer not null,
  primary key (article_id, user_id)
) strict, without rowid;

-- What a row of the text index stands for. `kind` is the kind's number, `rid` its row there.
create table search_docs (
  doc  integer primary key autoincrement,
  kind integer not null,
  rid  integer not null
) strict;
create unique index search_docs_by_row on search_docs (kind, rid);

-- What customers may find. `who` holds a word for the tenant's staff, one for each customer who may
-- find the row, and one for everyone of the tenant.
create virtual table search_open using fts5 (
  who, title, body, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
-- What only staff may find: internal notes, and articles that are not public.
create virtual table search_internal using fts5 (
  who, title, body, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
