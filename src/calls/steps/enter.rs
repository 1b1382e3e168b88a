//! Entering a call, and telling more of one that is known.

use super::{SOURCE, agent_of, line};
use crate::{
    calls::{Call, Direction, Heard, Step, change, machine::Status, sql},
    db::Write,
    error::{Checks, Error, Result},
    id::UserId,
    pbx,
    tickets::Hand,
};
use serde::{Deserialize, Serialize};

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

/// Enters a call. `new` was checked.
///
/// # Errors
/// 409 `call_direction` for a known call that went the other way, `no_extension` and
/// `too_many_dials` for one that the telephone system cannot make; 422 for somebody who is no
/// agent.
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
            let name = match dialled(w, hand, new, agent)? {
                Some((source, name)) => (source, Some(name)),
                None => (SOURCE.to_owned(), new.external_id.clone()),
            };
            (change::begin(w, hand.tenant, name)?, w.now)
        }
    };
    let step = Step { at, heard: new.heard(agent) };
    change::take_in(w, call, step, &hand.actor).map(|(call, _)| call)
}

/// Has an outgoing call made, where a telephone system can, and answers what that one calls it. A
/// call with an `external_id` is made by whoever names it.
fn dialled(
    w: &mut Write<'_>,
    hand: &Hand,
    new: &New,
    agent: Option<UserId>,
) -> Result<Option<(String, String)>> {
    match (&new.external_id, agent, &new.to_number) {
        (None, Some(agent), Some(number)) => pbx::dial(w, (hand.tenant, agent), number),
        _ => Ok(None),
    }
}

/// When a person's step is: now, but after all that was said, whoever's clock is ahead.
fn after_all(w: &Write<'_>, call: &Call) -> Result<i64> {
    let last = sql::steps(w, call.rid)?.last().map(|step| step.at);
    Ok(w.now.max(last.unwrap_or(w.now)))
}
