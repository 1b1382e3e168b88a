-- The wallboard: what its numbers mean to a tenant, and its counters without reading tickets.

-- `body` is JSON: the time zone of the day, thresholds. A tenant without a row has the usual ones.
create table board_settings (
  tenant_id blob primary key references tenants (id),
  body      text not null
) strict, without rowid;

-- Few tickets are still to be assigned, or have a customer who waits for an answer.
create index tickets_unassigned on tickets (tenant_id)
  where deleted_at is null and assignee_id is null and status not in ('resolved', 'closed');
create index tickets_waiting on tickets (tenant_id, waiting_since)
  where deleted_at is null and waiting_since is not null;

-- Clocks that have warned and still run or rest.
create index sla_clocks_at_risk on sla_clocks (tenant_id, ticket_rid, breached_at)
  where warned_at is not null and stopped_at is null;

-- Reports look at stretches of time.
create index agent_state_history_by_time on agent_state_history
  (tenant_id, user_id, started_at);
create index tickets_by_resolution on tickets (tenant_id, resolved_at)
  where deleted_at is null and resolved_at is not null;
