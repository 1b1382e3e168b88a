-- How endpoints fare, so that it outlives restarts, and what people may ask of the engine.

-- Attempts under way at most, deliveries a second at most, and whether the events of one entity
-- are sent one after the other.
alter table endpoints add column max_in_flight integer not null default 16;
alter table endpoints add column rate_limit integer;
alter table endpoints add column ordering text not null default 'none'
  check (ordering in ('none', 'by_key'));

-- `failure_streak` counts failures in a row; these say since when, of what, and what was told.
alter table endpoints add column last_success_at integer;
alter table endpoints add column last_error text;
-- Whether its last attempt succeeded.
alter table endpoints add column is_proven integer not null default 0;
update endpoints set is_proven = 1 where failure_streak = 0 and last_attempt_at is not null;
alter table endpoints add column failing_since integer;
alter table endpoints add column failing_delivery integer;
alter table endpoints add column failing_others integer not null default 0;
alter table endpoints add column failing_warned integer not null default 0;

-- The breaker: how often in a row it opened (0 while closed) and until when it is open; and until
-- when the endpoint rests because it said that it cannot keep up.
alter table endpoints add column breaker_opened integer not null default 0;
alter table endpoints add column breaker_until integer;
alter table endpoints add column cool_until integer;

alter table endpoints add column disabled_reason text
  check (disabled_reason in ('gone', 'failing', 'person'));
alter table endpoints add column disabled_at integer;
update endpoints set disabled_reason = 'person', disabled_at = updated_at where not is_active;

-- When people were last told that its oldest deliveries expired.
alter table endpoints add column backlog_told_at integer;

-- What the delivery is in order with (null: with nothing); only the first waiting one of a key is
-- due, the others are parked. And when a person asked for it again: its age counts from there.
alter table deliveries add column key integer;
alter table deliveries add column renewed_at integer;
create index deliveries_in_order on deliveries (endpoint_id, key, id)
  where state = 'waiting' and key is not null;
