-- At whose telephones a call rings now. A call names one agent, but may ring for several; worked out
-- anew with every step, so one that rang while the schema was changed is in here with its next step.
create table call_offers (
  call_rid  integer not null references calls (rid) on delete cascade,
  agent_id  blob not null,
  tenant_id blob not null,
  primary key (call_rid, agent_id)
) strict, without rowid;
create index call_offers_by_agent on call_offers (tenant_id, agent_id);
