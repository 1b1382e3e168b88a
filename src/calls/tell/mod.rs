//! Telling: what is said of a call and to whom, and whose number it is.

pub(super) mod sql;

pub use sql::words_of;

use super::{
    Call, Direction,
    machine::{Move, News, Target},
    number,
};
use crate::{
    db::{Say, Write},
    error::{Error, Result},
    event::{Actor, Kind, changes::Changes},
    id::{EntityId, UserId},
    notifications::{self, Notice, Reason, RelatedType, Type, words},
};
use serde::Serialize;
use serde_json::{Map, Value, json, value::to_raw_value};

/// The customer behind a number, as the one who answers wants to see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Customer {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Their number, as they wrote it.
    pub phone: Option<String>,
}

/// One of their tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecentTicket {
    /// Its id.
    pub id: EntityId,
    /// Its number.
    pub number: i64,
    /// What it is about.
    pub subject: String,
    /// Where it stands.
    pub status: String,
}

/// Says what is new about a call, `before` and as it is now; when nothing of it has a name of its
/// own, that it changed.
pub(super) fn tell(
    w: &mut Write<'_>,
    (before, call): (&Call, &Call),
    news: &[News],
    actor: &Actor,
) -> Result<()> {
    for news in news {
        let seq = say(w, (before, call), news, actor)?;
        if matches!(news, News::Abandoned | News::Missed) {
            missed(w, call, seq)?;
        }
    }
    if news.is_empty() && before != call {
        say_updated(w, (before, call), actor)?;
    }
    Ok(())
}

/// Says that something about a call changed that has no event of its own.
pub(super) fn say_updated(
    w: &mut Write<'_>,
    (before, call): (&Call, &Call),
    actor: &Actor,
) -> Result<()> {
    let changes = Changes::between(before, call)?;
    if changes.is_empty() {
        return Ok(());
    }
    let say = Say::new(call.tenant_id, Kind::CallUpdated, call)?.subject(call.id);
    w.say(say.by(actor.clone()).changes(&changes)?)?;
    Ok(())
}

/// Says that an agent has written up their part of a call.
pub(super) fn say_wrapped(
    w: &mut Write<'_>,
    (before, call): (&Call, &Call),
    agent: UserId,
    actor: &Actor,
) -> Result<()> {
    let told = Call { agent_id: Some(agent), ..call.clone() };
    let say = Say::new(call.tenant_id, Kind::CallWrapupCompleted, &told)?.subject(call.id);
    w.say(say.by(actor.clone()).changes(&Changes::between(before, call)?)?)?;
    Ok(())
}

fn say(
    w: &mut Write<'_>,
    (before, call): (&Call, &Call),
    news: &News,
    actor: &Actor,
) -> Result<i64> {
    let mut told = call.clone();
    let mut beside = Map::new();
    let kind = match news {
        News::Incoming => {
            beside = known_of_caller(w, call)?;
            Kind::CallIncoming
        }
        News::Outgoing => Kind::CallOutgoing,
        News::Ringing(agent) => {
            told.agent_id = agent.or(call.agent_id);
            Kind::CallRinging
        }
        News::OfferMissed(agent) => {
            beside.insert("from_agent_id".into(), json!(agent));
            Kind::CallOfferMissed
        }
        News::Answered(agent) => {
            told.agent_id = agent.or(call.agent_id);
            Kind::CallAnswered
        }
        News::Transferred(to) => {
            beside = went(to);
            Kind::CallTransferred
        }
        News::Held => Kind::CallHeld,
        News::Resumed => Kind::CallResumed,
        News::Abandoned => Kind::CallAbandoned,
        News::Missed => Kind::CallMissed,
        News::Ended => Kind::CallEnded,
    };
    let begins = matches!(news, News::Incoming | News::Outgoing);
    let Value::Object(mut data) = serde_json::to_value(&told).map_err(Error::internal)? else {
        return Err(Error::internal("a call is no object"));
    };
    data.append(&mut beside);
    let mut say = Say::new(call.tenant_id, kind, &data)?.by(actor.clone()).subject(call.id);
    if !begins {
        say = say.changes(&Changes::between(before, &told)?)?;
    }
    Ok(w.say(say)?.seq)
}

/// The customer and their last tickets, for the one who is going to answer.
fn known_of_caller(w: &Write<'_>, call: &Call) -> Result<Map<String, Value>> {
    let customer = match call.customer_id {
        Some(user) => sql::customer(w, call.tenant_id, user)?,
        None => None,
    };
    let tickets = match call.customer_id {
        Some(user) => sql::recent_tickets(w, call.tenant_id, user)?,
        None => Vec::new(),
    };
    Ok(Map::from_iter([
        ("customer".into(), json!(customer)),
        ("recent_tickets".into(), json!(tickets)),
    ]))
}

fn went(this: &Move) -> Map<String, Value> {
    let (agent, queue, number) = match &this.to {
        Target::Agent(agent) => (Some(agent), None, None),
        Target::Queue(queue) => (None, Some(queue), None),
        Target::Number(number) => (None, None, Some(number)),
    };
    Map::from_iter([
        ("from_agent_id".into(), json!(this.from_agent_id)),
        ("to_agent_id".into(), json!(agent)),
        ("to_queue".into(), json!(queue)),
        ("transferred_to".into(), json!(number)),
    ])
}

/// Whose number the other side's is; nobody's when it is several people's.
pub(super) fn customer_of(w: &Write<'_>, call: &Call) -> Result<Option<UserId>> {
    let other = match call.direction {
        Direction::Inbound => &call.from_number,
        Direction::Outbound => &call.to_number,
    };
    let digits = number::digits(other.as_deref().unwrap_or_default());
    if digits.is_empty() {
        return Ok(None);
    }
    let alike = sql::customers_by_phone(w, call.tenant_id, &digits)?;
    let mut theirs =
        alike.iter().filter(|(_, phone)| number::same(&number::digits(phone), &digits));
    let first = theirs.next().map(|(user, _)| *user);
    Ok(first.filter(|_| theirs.next().is_none()))
}

/// Tells whose call it was that nobody answered it: the agent at whose telephone it rang, the teams
/// of its queue; where that is nobody, all staff.
fn missed(w: &mut Write<'_>, call: &Call, event_seq: i64) -> Result<()> {
    let mut recipients: Vec<_> =
        call.agent_id.into_iter().map(|user| (user, Reason::Assignee)).collect();
    let members = match &call.queue {
        Some(queue) => sql::members_of_queue(w, call.tenant_id, queue)?,
        None => Vec::new(),
    };
    recipients.extend(members.into_iter().map(|user| (user, Reason::Team)));
    if recipients.is_empty() {
        let all = sql::all_staff(w, call.tenant_id)?;
        recipients.extend(all.into_iter().map(|user| (user, Reason::Team)));
    }
    let number = call.from_number.as_deref().unwrap_or("an unknown number");
    let message =
        words::call_missed(number, call.from_name.as_deref(), call.wait_ms.unwrap_or_default());
    let notice = Notice {
        tenant: call.tenant_id,
        kind: Type::CallMissed,
        message,
        related_id: call.id.to_string(),
        related_type: RelatedType::Call,
        actor: Actor::system(),
        recipients,
        internal: true,
        entity: to_raw_value(call).map_err(Error::internal)?,
        event_seq,
    };
    notifications::notify(w, notice).map(|_| ())
}
