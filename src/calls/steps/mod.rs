//! What people do with a call. Each is judged by where the call stands: what already holds changes
//! nothing, what cannot be is a conflict; the rest is heard like what a telephone system says.

mod enter;
mod wrap;

pub use enter::{New, enter};
pub use wrap::{WrapUp, wrap_up};
pub(super) use wrap::{is_done, link};

use super::{
    Call, Direction, Heard, Step, Target, change,
    machine::{self, Course, Status},
    sql,
};
use crate::{
    db::Write,
    error::{Checks, Error, OrNotFound as _, Result},
    http::patch::check_version,
    id::{EntityId, TenantId, UserId, uuid_v7},
    tickets::Hand,
};
use serde::Deserialize;

/// Who speaks of calls that people and programs enter by REST.
const SOURCE: &str = "api";

/// Longest number, name, queue, id, result and disposition, characters.
const TEXT_MAX: usize = 128;

/// Trims a text to one line, none if nothing is left.
fn line(checks: &mut Checks, field: &str, text: &mut Option<String>) {
    *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let good = |text: &str| text.chars().count() <= TEXT_MAX && !text.contains(char::is_control);
    let good = text.as_deref().is_none_or(good);
    checks.check(good, field, "must be one line of at most 128 characters");
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
