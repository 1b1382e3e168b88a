//! What agents are doing: the state they chose, since when, and what they did before.
//!
//! State is not presence: a state is chosen, presence is having a connection.

pub mod http;
mod sql;

pub use sql::board;

use crate::{
    db::{Said, Say, Write},
    error::{Error, OrNotFound as _, Result},
    event::{Actor, Kind},
    id::{TenantId, UserId},
    notifications::{self, Notice, Reason, RelatedType, Type, words},
    time,
};
use serde::Serialize;
use serde_json::value::to_raw_value;
use std::{fmt, str::FromStr};

/// What an agent is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Ready for calls and chats.
    Available,
    /// Away for a while.
    Away,
    /// Working, and not to be disturbed.
    Busy,
    /// Not working.
    Offline,
}

impl State {
    /// All that can be chosen.
    pub const ALL: [Self; 4] = [Self::Available, Self::Away, Self::Busy, Self::Offline];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Away => "away",
            Self::Busy => "busy",
            Self::Offline => "offline",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for State {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or(())
    }
}

/// Longest reason, characters.
const REASON_MAX: usize = 100;

/// A state as somebody asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    state: State,
    reason: Option<String>,
}

impl Choice {
    /// Checks what was asked for.
    ///
    /// # Errors
    /// 422 naming the field, with the allowed states.
    pub fn new(state: &str, reason: Option<String>) -> Result<Self> {
        let allowed = State::ALL.map(State::name).join(", ");
        let state = state
            .parse()
            .map_err(|()| Error::field("state", format!("must be one of {allowed}")))?;
        let reason = reason.map(|r| r.trim().to_owned()).filter(|r| !r.is_empty());
        if reason.as_ref().is_some_and(|r| r.chars().count() > REASON_MAX) {
            return Err(Error::field("reason", format!("is over {REASON_MAX} characters")));
        }
        if reason.as_ref().is_some_and(|r| r.chars().any(char::is_control)) {
            return Err(Error::field("reason", "must be one line of plain text"));
        }
        Ok(Self { state, reason })
    }
}

/// One agent as the board shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentState {
    /// Who.
    pub user_id: UserId,
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: crate::auth::Role,
    /// What they are doing.
    pub state: State,
    /// Why, in a few words.
    pub reason: Option<String>,
    /// Since when.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub since: i64,
    /// What they will be doing when what they do now is over.
    pub next_state: Option<State>,
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
    previous_duration_ms: i64,
    source: &'a str,
    next_state: Option<State>,
    call_id: Option<&'a str>,
}

/// Tells an agent that somebody else chose their state.
fn tell(w: &mut Write<'_>, changed: &Changed<'_>, by: Actor, event_seq: i64) -> Result<()> {
    let notice = Notice {
        tenant: changed.tenant_id,
        kind: Type::AgentStateForced,
        message: words::agent_state_forced(changed.state.name(), &by.name),
        related_id: changed.user_id.to_string(),
        related_type: RelatedType::User,
        actor: by,
        recipients: vec![(changed.user_id, Reason::Subject)],
        internal: true,
        entity: to_raw_value(changed).map_err(Error::internal)?,
        event_seq,
    };
    notifications::notify(w, notice).map(|_| ())
}

/// Puts an agent into a state, closes the interval before it and says so; tells the agent when it
/// was somebody else's choice. The same state for the
/// same reason changes nothing and says nothing.
///
/// # Errors
/// 404 when the tenant has no such agent.
pub fn choose(
    w: &mut Write<'_>,
    tenant: TenantId,
    user: UserId,
    choice: &Choice,
    (by, source): (Actor, &str),
) -> Result<(AgentState, Option<Said>)> {
    let before = sql::one(w, tenant, user)?.or_not_found("agent")?;
    if before.state == choice.state && before.reason == choice.reason {
        return Ok((before, None));
    }
    sql::set(w, tenant, user, choice, source)?;
    let changed = Changed {
        user_id: user,
        state: choice.state,
        previous_state: before.state,
        tenant_id: tenant,
        reason: choice.reason.as_deref(),
        since: w.now,
        previous_duration_ms: w.now - before.since,
        source,
        next_state: None,
        call_id: None,
    };
    let mut changes = serde_json::Map::new();
    if before.state != choice.state {
        changes.insert("state".into(), serde_json::json!([before.state, choice.state]));
    }
    if before.reason != choice.reason {
        changes.insert("reason".into(), serde_json::json!([before.reason, choice.reason]));
    }
    let say = Say::new(tenant, Kind::AgentStateChanged, &changed)?;
    let said = w.say(say.by(by.clone()).changes(&changes)?)?;
    if by.kind != "system" && by.id != Some(user) {
        tell(w, &changed, by, said.seq)?;
    }
    let (state, reason) = (choice.state, choice.reason.clone());
    Ok((AgentState { state, reason, since: w.now, ..before }, Some(said)))
}
