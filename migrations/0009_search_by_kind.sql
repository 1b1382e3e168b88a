-- The words in `who` name the kind of thing, too (`t…k1`: a ticket, for the tenant's staff), so that
-- a search for tickets is not a search for everything with the rest thrown away, and titles are
-- looked through without meeting every comment.

update search_open set who = (
  select replace(search_open.who, ' ', 'k' || d.kind || ' ') || 'k' || d.kind
  from search_docs d where d.doc = search_open.rowid
);
update search_internal set who = (
  select replace(search_internal.who, ' ', 'k' || d.kind || ' ') || 'k' || d.kind
  from search_docs d where d.doc = search_internal.rowid
);
