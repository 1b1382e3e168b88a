//! Reasons that may last for so long only: when the time is over, supervisors are told once.

use super::sql;
use crate::{
    agents::{self, AgentState, State},
    db::{Db, Say, Write},
    error::{Error, Result},
    event::{Actor, Kind},
    id::{TenantId, UserId},
    notifications::{self, Notice, Reason, RelatedType, Type, words},
    time,
};
use serde::Serialize;
use serde_json::value::to_raw_value;

/// What `agent.state.overdue` tells.
#[derive(Debug, Serialize)]
struct Overdue<'a> {
    user_id: UserId,
    tenant_id: TenantId,
    state: State,
    reason: Option<&'a str>,
    #[serde(serialize_with = "time::as_rfc3339")]
    since: i64,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    limit_at: Option<i64>,
    limit_minutes: i64,
}

/// Tells of those whose time is over, as many as one transaction takes.
///
/// # Errors
/// When the database refuses.
pub(super) async fn tell_overdue(db: &Db) -> Result<()> {
    let now = db.clock().now_ms();
    let due = db.read(move |r| sql::due_limits(r, now)).await?;
    if due.is_empty() {
        return Ok(());
    }
    db.write(move |w| due.iter().try_for_each(|(tenant, user)| tell_one(w, *tenant, *user))).await
}

fn tell_one(w: &mut Write<'_>, tenant: TenantId, user: UserId) -> Result<()> {
    if !sql::mark_overdue(w, tenant, user)? {
        return Ok(());
    }
    // Whose account was closed in between is nobody's news.
    let Some(agent) = agents::sql::one(w, tenant, user)? else { return Ok(()) };
    let agent = AgentState::from(agent);
    let limit_ms = agent.limit_at.unwrap_or(agent.since) - agent.since;
    let overdue = Overdue {
        user_id: user,
        tenant_id: tenant,
        state: agent.state,
        reason: agent.reason.as_deref(),
        since: agent.since,
        limit_at: agent.limit_at,
        limit_minutes: limit_ms / 60_000,
    };
    let said = w.say(Say::new(tenant, Kind::AgentStateOverdue, &overdue)?)?;
    let reason = overdue.reason.unwrap_or(agent.state.name());
    let notice = Notice {
        tenant,
        kind: Type::AgentStateOverdue,
        message: words::agent_state_overdue(&agent.name, reason, overdue.limit_minutes),
        related_id: user.to_string(),
        related_type: RelatedType::User,
        actor: Actor::system(),
        recipients: sql::supervisors(w, tenant)?
            .into_iter()
            .filter(|supervisor| *supervisor != user)
            .map(|supervisor| (supervisor, Reason::Supervisor))
            .collect(),
        internal: true,
        entity: to_raw_value(&overdue).map_err(Error::internal)?,
        event_seq: said.seq,
    };
    notifications::notify(w, notice).map(drop)
}
