//! What people add to a call: what it was about, what is to be remembered, its ticket.

use super::{Seen, Which, line};
use crate::{
    agents,
    auth::Role,
    calls::{Call, sql, tell},
    db::Write,
    error::{Checks, Error, OrNotFound as _, Result},
    http::patch,
    id::{EntityId, UserId},
    tickets::Hand,
};
use serde::Deserialize;

/// Longest note, bytes.
const NOTE_MAX: usize = 16 << 10;

/// What is to be remembered of a call. What is left out stays; what is null or empty is taken back.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrapUp {
    #[serde(default, deserialize_with = "patch::nullable")]
    disposition: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::nullable")]
    note: Option<Option<String>>,
    pub(in crate::calls) version: Option<i64>,
}

impl WrapUp {
    /// Checks every field.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        if let Some(word) = &mut self.disposition {
            line(&mut checks, "disposition", word);
        }
        self.note = self.note.map(|note| note.filter(|text| !text.trim().is_empty()));
        let note = self.note.iter().flatten().next();
        let fits = note.is_none_or(|text| text.len() <= NOTE_MAX);
        checks.check(fits, "note", "must have at most 16 KiB");
        checks.done()?;
        Ok(self)
    }
}

/// Writes up a call, and is done with it: whoever had it may say so before their time is over, and
/// a supervisor for them. What was written can be changed later.
///
/// # Errors
/// 404; 403 for whoever did not have it; 409 `call_not_over` while they have it, or
/// `version_conflict`.
pub fn wrap_up(w: &mut Write<'_>, hand: &Hand, which: Which, wrap: &WrapUp) -> Result<Call> {
    let Seen { call, course, .. } = Seen::of(w, hand.tenant, which)?;
    let had = |user: UserId| course.parts.iter().any(|part| part.agent_id == user);
    let own = hand.user.filter(|user| had(*user));
    if own.is_none() && hand.role < Role::Supervisor && !course.parts.is_empty() {
        return Err(Error::Forbidden("only who had this call, or a supervisor, writes it up"));
    }
    let has = own.is_some_and(|user| course.holders().any(|holder| holder == user));
    if has || (own.is_none() && !course.is_over()) {
        return Err(Error::conflict("call_not_over", "this call is not over"));
    }
    let agent = own.or(sql::wrapping(w, call.rid)?);
    let mut next = call.clone();
    next.disposition = wrap.disposition.clone().unwrap_or(next.disposition);
    next.note = wrap.note.clone().unwrap_or(next.note);
    let done = match agent {
        Some(agent) => is_done(w, &call, agent)?,
        None => false,
    };
    if !done && next == call {
        return Ok(call);
    }
    if next != call {
        (next.version, next.updated_at) = (call.version + 1, w.now);
        sql::put_words(w, &next)?;
    }
    match agent.filter(|_| done) {
        Some(agent) => tell::say_wrapped(w, (&call, &next), agent, &hand.actor)?,
        None => tell::say_updated(w, (&call, &next), &hand.actor)?,
    }
    Ok(next)
}

/// Ends an agent's time for writing up a call; false when it was over.
pub(in crate::calls) fn is_done(w: &mut Write<'_>, call: &Call, agent: UserId) -> Result<bool> {
    agents::wrapped_up(w, call.tenant_id, agent, call.id, w.now)?;
    sql::wrapped(w, call.rid, agent)
}

/// Ties a call to a ticket.
///
/// # Errors
/// 404.
pub(in crate::calls) fn link(
    w: &mut Write<'_>,
    hand: &Hand,
    id: EntityId,
    ticket: EntityId,
) -> Result<Call> {
    let call = sql::find(w, hand.tenant, id)?.or_not_found("call")?;
    if call.ticket_id == Some(ticket) {
        return Ok(call);
    }
    let mut next = Call { ticket_id: Some(ticket), ..call.clone() };
    (next.version, next.updated_at) = (call.version + 1, w.now);
    sql::put_words(w, &next)?;
    tell::say_updated(w, (&call, &next), &hand.actor)?;
    Ok(next)
}
