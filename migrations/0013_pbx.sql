-- Telephone systems that calls are heard of from, and the calls that they are asked to make.

-- `ami` is an Asterisk that we connect to: `secret` is sealed like a webhook's. `cti` is a program
-- that posts to us: of its token only the SHA-256 is kept, and how it begins. Null is what the other
-- kind has.
create table pbxs (
  id           blob primary key,
  tenant_id    blob not null references tenants (id),
  kind         text not null check (kind in ('ami', 'cti')),
  name         text not null collate nocase,
  host         text,
  port         integer,
  username     text,
  secret       blob,
  -- How an agent's telephone is called (`PJSIP/{extension}`), and where numbers are dialled from.
  dial_channel text,
  dial_context text,
  token_hash   blob unique,
  token_hint   text,
  is_active    integer not null default 1,
  created_by   blob,
  version      integer not null default 1,
  created_at   integer not null,
  updated_at   integer not null
) strict, without rowid;
create unique index pbxs_by_name on pbxs (tenant_id, name);

-- Calls that a PBX is to make for an agent; `sent_at` is set before it is asked, so that no number
-- is dialled twice. The row goes with the end of the call.
create table pbx_dials (
  call_name  text primary key,
  pbx_id     blob not null references pbxs (id) on delete cascade,
  tenant_id  blob not null,
  extension  text not null,
  to_number  text not null,
  created_at integer not null,
  sent_at    integer
) strict, without rowid;
create index pbx_dials_of on pbx_dials (pbx_id, created_at);
