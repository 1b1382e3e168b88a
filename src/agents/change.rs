//! How agents get from one state to the next: the row, the interval before it, and the event.

use super::{
    Agent, AgentState,
    reasons::sql as reasons,
    record::{Record, When},
    sql,
    state::{Choice, State},
};
use crate::{
    db::{Said, Say, Write},
    error::{Error, OrNotFound as _, Result},
    event::{Actor, Kind, changes::Changes},
    id::{EntityId, TenantId, UserId},
    notifications::{self, Notice, Reason, RelatedType, Type, words},
    time,
};
use serde::Serialize;
use serde_json::value::to_raw_value;

/// Who chooses a state.
#[derive(Debug, Clone)]
pub struct Chooser {
    /// As the event names them.
    pub by: Actor,
    /// `agent` or `supervisor`, as the history keeps it.
    pub source: &'static str,
    /// Whether the agent whose state it is has a socket just now: from then on losing it counts.
    pub is_online: bool,
}

/// What `agent.state.changed` tells.
#[derive(Debug, Serialize)]
struct Changed<'a> {
    user_id: UserId,
    state: State,
    previous_state: State,
    tenant_id: TenantId,
    reason: Option<&'a str>,
    #[serde(serialize_with = "time::as_rfc3339")]
    since: i64,
    /// How long the interval was that ended; nothing when only what comes next has changed.
    previous_duration_ms: Option<i64>,
    source: &'a str,
    next_state: Option<State>,
    next_reason: Option<&'a str>,
    call_id: Option<EntityId>,
}

/// What is told to have changed.
#[derive(Debug, Serialize)]
struct Told<'a> {
    state: State,
    reason: Option<&'a str>,
    next_state: Option<State>,
    next_reason: Option<&'a str>,
    call_id: Option<EntityId>,
}

impl<'a> Told<'a> {
    fn of(record: &'a Record) -> Self {
        let next = record.next.as_ref();
        Self {
            state: record.state,
            reason: record.reason.as_deref(),
            next_state: next.map(|next| next.state),
            next_reason: next.and_then(|next| next.reason.as_deref()),
            call_id: record.call,
        }
    }
}

/// Somebody chooses a state: it begins now, or, in a call or a wrap-up, when that is over. The
/// agent is told when it was somebody else. The same state for the same reason says nothing.
///
/// # Errors
/// 404 when the tenant has no such agent.
pub fn choose(
    w: &mut Write<'_>,
    tenant: TenantId,
    user: UserId,
    choice: &Choice,
    chooser: &Chooser,
) -> Result<(AgentState, Option<Said>)> {
    let agent = sql::one(w, tenant, user)?.or_not_found("agent")?;
    let when = When::now(w.now);
    let after = agent.record.chosen(choice, chooser.source, when, chooser.is_online);
    let (agent, said) = turn(w, tenant, agent, after, &chooser.by)?;
    let by = &chooser.by;
    if let Some(said) = said
        && by.kind != "system"
        && by.id != Some(user)
    {
        tell(w, tenant, &agent, by, said.seq)?;
    }
    Ok((agent.into(), said))
}

/// The agent answered a call: `on_call` from `at` on (milliseconds; may lie in the past). What they
/// were before comes again after it. Answering it again changes nothing.
///
/// Answers the call that they were writing up until then.
///
/// # Errors
/// 404 when the tenant has no such agent.
pub fn answered(
    w: &mut Write<'_>,
    tenant: TenantId,
    user: UserId,
    call: EntityId,
    at: i64,
) -> Result<Option<EntityId>> {
    let agent = sql::one(w, tenant, user)?.or_not_found("agent")?;
    sql::join_call(w, tenant, user, call, at)?;
    let written = agent.record.call.filter(|_| agent.record.state == State::WrapUp);
    let after = agent.record.answered(call, When { at, now: w.now });
    turn(w, tenant, agent, after, &Actor::system())?;
    Ok(written)
}

/// The agent's part of a call ended at `at`: `wrap_up` begins, and when it ends is answered
/// (milliseconds since the Unix epoch).
///
/// Nothing is answered when there is no wrap-up: the agent has no time for it and is already what
/// comes next, is in another call still, or was not in this one.
///
/// # Errors
/// When the database refuses.
pub fn part_ended(
    w: &mut Write<'_>,
    tenant: TenantId,
    user: UserId,
    call: EntityId,
    at: i64,
) -> Result<Option<i64>> {
    if !sql::leave_call(w, tenant, user, call)? {
        return Ok(None);
    }
    let Some(agent) = sql::one(w, tenant, user)? else { return Ok(None) };
    let other = sql::latest_call(w, tenant, user)?;
    let wrap_up_ms = agent.wrap_up_seconds * 1_000;
    let after = agent.record.part_ended(call, other, wrap_up_ms, When { at, now: w.now });
    let until = after.wrap_up_until;
    turn(w, tenant, agent, after, &Actor::system())?;
    Ok(until)
}

/// The wrap-up of a call is over at `at`: the agent is what they chose to be next, or available.
/// False when they are not in that wrap-up.
///
/// # Errors
/// When the database refuses.
pub fn wrapped_up(
    w: &mut Write<'_>,
    tenant: TenantId,
    user: UserId,
    call: EntityId,
    at: i64,
) -> Result<bool> {
    let Some(agent) = sql::one(w, tenant, user)? else { return Ok(false) };
    let Some(after) = agent.record.wrapped_up(call, When { at, now: w.now }) else {
        return Ok(false);
    };
    turn(w, tenant, agent, after, &Actor::system())?;
    Ok(true)
}

/// A PBX paused the agent (`source` says which, `pbx`): who is available is away from now on, in a
/// call once it is over. Nobody else is moved.
///
/// # Errors
/// When the database refuses.
pub fn paused(
    w: &mut Write<'_>,
    tenant: TenantId,
    user: UserId,
    reason: Option<&str>,
    source: &str,
) -> Result<()> {
    let Some(agent) = sql::one(w, tenant, user)? else { return Ok(()) };
    let reason = reason.and_then(short);
    let after = agent.record.paused(reason.as_deref(), source, When::now(w.now));
    turn(w, tenant, agent, after, &Actor::system()).map(drop)
}

/// A PBX let the agent go on: undoes [`paused`] by the same source, and nothing else.
///
/// # Errors
/// When the database refuses.
pub fn unpaused(w: &mut Write<'_>, tenant: TenantId, user: UserId, source: &str) -> Result<()> {
    let Some(agent) = sql::one(w, tenant, user)? else { return Ok(()) };
    let after = agent.record.unpaused(source, When::now(w.now));
    turn(w, tenant, agent, after, &Actor::system()).map(drop)
}

/// The last socket of an agent who had one since they chose is gone for too long, since `at`:
/// offline, or offline after the call. Who works by REST alone is left as they are.
///
/// # Errors
/// When the database refuses.
pub fn lost(w: &mut Write<'_>, tenant: TenantId, user: UserId, at: i64) -> Result<()> {
    let Some(agent) = sql::one(w, tenant, user)? else { return Ok(()) };
    let after = agent.record.lost(When { at, now: w.now });
    turn(w, tenant, agent, after, &Actor::system()).map(drop)
}

/// The account was closed, or is no agent's any more: offline, and in no call. Called before or
/// after the account's row is changed.
///
/// # Errors
/// When the database refuses.
pub fn left(w: &mut Write<'_>, tenant: TenantId, user: UserId, by: &Actor) -> Result<()> {
    sql::leave_calls(w, tenant, user)?;
    let Some(agent) = sql::whoever(w, tenant, user)? else { return Ok(()) };
    let after = agent.record.left(When::now(w.now));
    turn(w, tenant, agent, after, by).map(drop)
}

/// A PBX's reason as one of ours: one line, cut to what is allowed.
fn short(reason: &str) -> Option<String> {
    let line: String = reason
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(super::state::REASON_MAX)
        .collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Stores what an agent is from now on, and says so when anybody can see the difference.
pub(super) fn turn(
    w: &mut Write<'_>,
    tenant: TenantId,
    agent: Agent,
    mut after: Record,
    by: &Actor,
) -> Result<(Agent, Option<Said>)> {
    let before = agent.record;
    let ends = after.is_new_interval(&before);
    if after == before {
        return Ok((Agent { record: before, ..agent }, None));
    }
    if ends && let Some(reason) = after.reason.as_deref().filter(|_| !after.state.is_made()) {
        let limit_ms = reasons::limit_ms(w, tenant, after.state.name(), reason)?;
        after.limit_at = limit_ms.map(|ms| after.since + ms);
    }
    sql::put(w, tenant, agent.user, &after, ends)?;
    let changes = Changes::between(&Told::of(&before), &Told::of(&after))?;
    let mut said = None;
    if !changes.is_empty() {
        let changed = changed(tenant, agent.user, &before, &after);
        let say = Say::new(tenant, Kind::AgentStateChanged, &changed)?.by(by.clone());
        said = Some(w.say(say.changes(&changes)?)?);
    }
    Ok((Agent { record: after, ..agent }, said))
}

fn changed<'a>(tenant: TenantId, user: UserId, before: &Record, after: &'a Record) -> Changed<'a> {
    let told = Told::of(after);
    let ended = after.is_new_interval(before);
    Changed {
        user_id: user,
        state: told.state,
        previous_state: before.state,
        tenant_id: tenant,
        reason: told.reason,
        since: after.since,
        previous_duration_ms: ended.then_some(after.since - before.since),
        source: &after.source,
        next_state: told.next_state,
        next_reason: told.next_reason,
        call_id: told.call_id,
    }
}

/// Tells an agent that somebody else chose their state.
fn tell(w: &mut Write<'_>, tenant: TenantId, agent: &Agent, by: &Actor, seq: i64) -> Result<()> {
    let record = &agent.record;
    let message = match &record.next {
        Some(next) if record.state.is_made() => {
            words::agent_next_state_forced(next.state.name(), &by.name)
        }
        _ => words::agent_state_forced(record.state.name(), &by.name),
    };
    let notice = Notice {
        tenant,
        kind: Type::AgentStateForced,
        message,
        related_id: agent.user.to_string(),
        related_type: RelatedType::User,
        actor: by.clone(),
        recipients: vec![(agent.user, Reason::Subject)],
        internal: true,
        entity: to_raw_value(&AgentState::from(agent.clone())).map_err(Error::internal)?,
        event_seq: seq,
    };
    notifications::notify(w, notice).map(|_| ())
}
