//! What people do with a call. Each is judged by where the call stands: what already holds changes
//! nothing, what cannot be is a conflict; the rest is heard like what a telephone system says.

use super::{
    Call, Direction, Heard, Step, Target, change,
    machine::{self, Course, Status},
    sql, tell,
};
use crate::{
    agents,
    auth::Role,
    db::Write,
    error::{Checks, Error, OrNotFound as _, Result},
    http::patch::check_version,
    id::{EntityId, TenantId, UserId, uuid_v7},
    tickets::Hand,
};
use serde::{Deserialize, Serialize};

/// Who speaks of calls that people and programs enter by REST.
const SOURCE: &str = "api";

/// Longest number, name, queue, id, result and disposition, characters.
const TEXT_MAX: usize = 128;

/// Longest note, bytes.
const NOTE_MAX: usize = 16 << 10;

/// A call somebody enters. Under an `external_id` that is known already, what is told of that call:
/// a queue that it waits in now, a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    external_id: Option<String>,
    direction: Direction,
    from_number: Option<String>,
    from_name: Option<String>,
    to_number: Option<String>,
    queue: Option<String>,
    /// Who calls, on an outgoing call; the sender unless said.
    agent_id: Option<UserId>,
}

impl New {
    /// Checks every field.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        let fields = [
            ("external_id", &mut self.external_id),
            ("from_number", &mut self.from_number),
            ("from_name", &mut self.from_name),
            ("to_number", &mut self.to_number),
            ("queue", &mut self.queue),
        ];
        for (field, text) in fields {
            line(&mut checks, field, text);
        }
        if self.direction == Direction::Outbound {
            checks.check(self.to_number.is_some(), "to_number", "is required: who is called?");
            checks.check(self.queue.is_none(), "queue", "is for calls that come in");
            checks.check(self.from_name.is_none(), "from_name", "is for calls that come in");
        } else {
            let known = self.from_number.is_some() || self.external_id.is_some();
            let why = "is required, unless external_id names the call of a caller without one";
            checks.check(known, "from_number", why);
            checks.check(self.agent_id.is_none(), "agent_id", "is for calls that go out");
        }
        checks.done()?;
        Ok(self)
    }

    fn heard(&self, agent: Option<UserId>) -> Heard {
        let new = self.clone();
        match self.direction {
            Direction::Inbound => Heard::Incoming {
                from_number: new.from_number,
                from_name: new.from_name,
                to_number: new.to_number,
                queue: new.queue,
            },
            Direction::Outbound => {
                Heard::Outgoing { from_number: new.from_number, to_number: new.to_number, agent }
            }
        }
    }

    /// Whether it tells nothing that is not known of the call.
    fn is_known_of(&self, call: &Call) -> bool {
        let same = |new: &Option<String>, known: &Option<String>| new.is_none() || new == known;
        same(&self.queue, &call.queue)
            && (call.from_name.is_some() || self.from_name.is_none())
            && (call.from_number.is_some() || self.from_number.is_none())
            && (call.to_number.is_some() || self.to_number.is_none())
    }
}

/// Trims a text to one line, none if nothing is left.
fn line(checks: &mut Checks, field: &str, text: &mut Option<String>) {
    *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let good = |text: &str| text.chars().count() <= TEXT_MAX && !text.contains(char::is_control);
    let good = text.as_deref().is_none_or(good);
    checks.check(good, field, "must be one line of at most 128 characters");
}

/// Enters a call. `new` was checked.
///
/// # Errors
/// 409 `call_direction` for a known call that went the other way, 422 for somebody who is no agent.
pub fn enter(w: &mut Write<'_>, hand: &Hand, new: &New) -> Result<Call> {
    let known = match &new.external_id {
        Some(id) => sql::named(w, hand.tenant, (SOURCE, id))?,
        None => None,
    };
    let agent = match new.direction {
        Direction::Outbound => Some(agent_of(w, hand, new.agent_id)?),
        Direction::Inbound => None,
    };
    let (call, at) = match known {
        Some(call) if call.direction != new.direction => {
            let why = format!("that call is {}", call.direction.name());
            return Err(Error::conflict("call_direction", why));
        }
        // What is told late of a call that is over changes nothing.
        Some(call) if call.status == Status::Ended || new.is_known_of(&call) => return Ok(call),
        Some(call) => {
            let at = after_all(w, &call)?;
            (call, at)
        }
        None => {
            let name = (SOURCE.to_owned(), new.external_id.clone());
            (change::begin(w, hand.tenant, name)?, w.now)
        }
    };
    let step = Step { at, heard: new.heard(agent) };
    change::take_in(w, call, step, &hand.actor).map(|(call, _)| call)
}

/// Who is meant by an `agent_id`, or by none.
fn agent_of(w: &Write<'_>, hand: &Hand, named: Option<UserId>) -> Result<UserId> {
    let own = || hand.user.filter(|_| hand.actor.kind == "user");
    let agent = named.or_else(own);
    let agent = agent.ok_or_else(|| Error::field("agent_id", "is required of a program"))?;
    is_agent(w, hand.tenant, ("agent_id", agent))
}

fn is_agent(w: &Write<'_>, tenant: TenantId, (field, user): (&str, UserId)) -> Result<UserId> {
    if sql::is_staff(w, tenant, user)? {
        return Ok(user);
    }
    Err(Error::field(field, "must be an active agent's account"))
}

/// When a person's step is: now, but after all that was said, whoever's clock is ahead.
fn after_all(w: &Write<'_>, call: &Call) -> Result<i64> {
    let last = sql::steps(w, call.rid)?.last().map(|step| step.at);
    Ok(w.now.max(last.unwrap_or(w.now)))
}

/// A call that somebody is about to do something with.
struct Seen {
    call: Call,
    course: Course,
    at: i64,
}

impl Seen {
    fn of(
        w: &Write<'_>,
        tenant: TenantId,
        (id, based_on): (EntityId, Option<i64>),
    ) -> Result<Self> {
        let call = sql::find(w, tenant, id)?.or_not_found("call")?;
        check_version(based_on, call.version, &call)?;
        let steps = sql::steps(w, call.rid)?;
        let at = steps.last().map_or(w.now, |step| step.at.max(w.now));
        Ok(Self { course: machine::course(&steps), call, at })
    }

    fn not_over(&self) -> Result<()> {
        if self.course.is_over() {
            return Err(Error::conflict("call_ended", "this call is over"));
        }
        Ok(())
    }

    fn answered(&self) -> Result<()> {
        self.not_over()?;
        if self.course.answered_at.is_none() {
            return Err(Error::conflict("call_not_answered", "nobody has answered this call yet"));
        }
        Ok(())
    }

    fn take(self, w: &mut Write<'_>, hand: &Hand, heard: Heard) -> Result<Call> {
        let step = Step { at: self.at, heard };
        change::take_in(w, self.call, step, &hand.actor).map(|(call, _)| call)
    }
}

/// Which call, and the version that the step is based on.
pub type Which = (EntityId, Option<i64>);

/// Offers a call to an agent; to the caller unless said. Offering it to somebody at whose telephone
/// it rings changes nothing.
///
/// # Errors
/// 404; 409 `call_ended`, `call_answered`, `call_outbound` or `version_conflict`; 422.
pub fn ring(w: &mut Write<'_>, hand: &Hand, which: Which, agent: Option<UserId>) -> Result<Call> {
    let seen = Seen::of(w, hand.tenant, which)?;
    let agent = agent_of(w, hand, agent)?;
    seen.not_over()?;
    if seen.course.answered_at.is_some() && !seen.course.is_waiting() {
        return Err(Error::conflict("call_answered", "this call does not wait for anybody"));
    }
    if seen.course.direction == Direction::Outbound && !seen.course.is_waiting() {
        return Err(Error::conflict("call_outbound", "this call rings at the other side"));
    }
    let open = |offer: &machine::Offer| offer.is_open && offer.agent_id == Some(agent);
    if seen.course.offers.iter().any(open) {
        return Ok(seen.call);
    }
    let offer = format!("{SOURCE}:{}", uuid_v7(w.now));
    seen.take(w, hand, Heard::Ringing { offer, agent: Some(agent) })
}

/// An agent takes a call; the caller unless said. Taking what one has changes nothing.
///
/// # Errors
/// 404; 409 `call_ended`, `call_answered` or `version_conflict`; 422.
pub fn answer(w: &mut Write<'_>, hand: &Hand, which: Which, agent: Option<UserId>) -> Result<Call> {
    let seen = Seen::of(w, hand.tenant, which)?;
    let agent = agent_of(w, hand, agent)?;
    seen.not_over()?;
    if seen.course.holders().any(|holder| holder == agent) {
        return Ok(seen.call);
    }
    if seen.course.holders().next().is_some() {
        return Err(Error::conflict("call_answered", "somebody else has this call"));
    }
    let mut open = seen.course.offers.iter().filter(|offer| offer.is_open);
    let offer = open.find(|offer| offer.agent_id == Some(agent)).map(|offer| offer.key.clone());
    seen.take(w, hand, Heard::Answered { offer, agent: Some(agent) })
}

/// Puts a call on hold.
///
/// # Errors
/// 404; 409 `call_ended`, `call_not_answered` or `version_conflict`.
pub fn hold(w: &mut Write<'_>, hand: &Hand, which: Which) -> Result<Call> {
    let seen = Seen::of(w, hand.tenant, which)?;
    seen.answered()?;
    if seen.course.status == Status::OnHold {
        return Ok(seen.call);
    }
    seen.take(w, hand, Heard::Held)
}

/// Takes a call back from hold.
///
/// # Errors
/// 404; 409 `call_ended`, `call_not_answered` or `version_conflict`.
pub fn resume(w: &mut Write<'_>, hand: &Hand, which: Which) -> Result<Call> {
    let seen = Seen::of(w, hand.tenant, which)?;
    seen.answered()?;
    if seen.course.status != Status::OnHold {
        return Ok(seen.call);
    }
    seen.take(w, hand, Heard::Resumed)
}

/// Where a call is to go: one of the three.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    to_agent_id: Option<UserId>,
    to_queue: Option<String>,
    to_number: Option<String>,
    pub(super) version: Option<i64>,
}

impl Transfer {
    /// Where.
    ///
    /// # Errors
    /// 422 unless it is one place, and a good one.
    pub fn checked(mut self) -> Result<Target> {
        let mut checks = Checks::new();
        line(&mut checks, "to_queue", &mut self.to_queue);
        line(&mut checks, "to_number", &mut self.to_number);
        checks.done()?;
        match (self.to_agent_id, self.to_queue, self.to_number) {
            (Some(agent), None, None) => Ok(Target::Agent(agent)),
            (None, Some(queue), None) => Ok(Target::Queue(queue)),
            (None, None, Some(number)) => Ok(Target::Number(number)),
            _ => Err(Error::field("to_agent_id", "or to_queue or to_number: one of them")),
        }
    }
}

/// Passes a call on: to an agent, who has it at once, to a queue, or to a number elsewhere. A call
/// that waits can be sent to another queue.
///
/// # Errors
/// 404; 409 `call_ended`, `call_not_answered` or `version_conflict`; 422.
pub fn transfer(w: &mut Write<'_>, hand: &Hand, which: Which, to: Target) -> Result<Call> {
    let seen = Seen::of(w, hand.tenant, which)?;
    match &to {
        Target::Agent(agent) => {
            is_agent(w, hand.tenant, ("to_agent_id", *agent))?;
            seen.answered()?;
            if seen.course.holders().any(|holder| holder == *agent) {
                return Err(Error::field("to_agent_id", "has this call already"));
            }
        }
        Target::Queue(queue) => {
            seen.not_over()?;
            if seen.course.is_waiting() && seen.course.queue.as_ref() == Some(queue) {
                return Ok(seen.call);
            }
            if seen.course.direction == Direction::Outbound {
                seen.answered()?;
            }
        }
        Target::Number(_) => seen.answered()?,
    }
    let holders: Vec<UserId> = seen.course.holders().collect();
    let own = hand.user.filter(|user| holders.contains(user));
    let agent = own.or(holders.last().copied());
    seen.take(w, hand, Heard::Transferred { to, agent })
}

/// Ends a call. Ending one that is over changes nothing.
///
/// # Errors
/// 404; 409 `version_conflict`; 422 for a result that is no word.
pub fn end(
    w: &mut Write<'_>,
    hand: &Hand,
    which: Which,
    mut result: Option<String>,
) -> Result<Call> {
    let mut checks = Checks::new();
    line(&mut checks, "result", &mut result);
    checks.done()?;
    let seen = Seen::of(w, hand.tenant, which)?;
    if seen.course.is_over() {
        return Ok(seen.call);
    }
    seen.take(w, hand, Heard::Ended { result })
}

/// What is to be remembered of a call. What is left out stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrapUp {
    disposition: Option<String>,
    note: Option<String>,
    pub(super) version: Option<i64>,
}

impl WrapUp {
    /// Checks every field.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        line(&mut checks, "disposition", &mut self.disposition);
        let fits = self.note.as_ref().is_none_or(|note| note.len() <= NOTE_MAX);
        checks.check(fits, "note", "must have at most 16 KiB");
        checks.done()?;
        Ok(self)
    }
}

/// Writes up a call, and is done with it: whoever had it may say so before their time is over, and a
/// supervisor for them. What was written can be changed later.
///
/// # Errors
/// 404; 403 for whoever did not have it; 409 `call_not_over` while they have it, `version_conflict`.
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
    next.disposition = wrap.disposition.clone().or(next.disposition);
    next.note = wrap.note.clone().or(next.note);
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
pub(super) fn is_done(w: &mut Write<'_>, call: &Call, agent: UserId) -> Result<bool> {
    agents::wrapped_up(w, call.tenant_id, agent, call.id, w.now)?;
    sql::wrapped(w, call.rid, agent)
}

/// Ties a call to a ticket.
///
/// # Errors
/// 404.
pub(super) fn link(w: &mut Write<'_>, hand: &Hand, id: EntityId, ticket: EntityId) -> Result<Call> {
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
