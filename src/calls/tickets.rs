//! What comes of a call: a ticket that was there, or a new one.

use super::{Call, Direction, sql, steps};
use crate::{
    db::Write,
    error::{Error, OrNotFound as _, Result},
    event::Listener,
    id::{EntityId, UserId},
    tickets::{self, Channel, Hand, New, Priority, Shown},
};
use serde::{Deserialize, Serialize};

/// The ticket of a call: one that is there by its id, else a new one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    ticket_id: Option<EntityId>,
    /// "Call from …" unless said.
    subject: Option<String>,
    description: Option<String>,
    priority: Option<Priority>,
    /// The customer whose number it is unless said; without one, whoever opens it.
    requester_id: Option<UserId>,
    assignee_id: Option<UserId>,
    team_id: Option<EntityId>,
    #[serde(default)]
    tags: Vec<String>,
}

/// A call and its ticket.
#[derive(Debug, Serialize)]
pub(super) struct Tied {
    call: Call,
    ticket: Shown,
}

impl Ticket {
    fn has_new(&self) -> bool {
        self.subject.is_some()
            || self.description.is_some()
            || self.priority.is_some()
            || self.requester_id.is_some()
            || self.assignee_id.is_some()
            || self.team_id.is_some()
            || !self.tags.is_empty()
    }

    fn new_for(&self, call: &Call) -> Result<New> {
        let (word, number) = match call.direction {
            Direction::Inbound => ("from", &call.from_number),
            Direction::Outbound => ("to", &call.to_number),
        };
        let number = number.as_deref().unwrap_or("an unknown number");
        let asked = self.clone();
        New {
            subject: asked.subject.unwrap_or_else(|| format!("Call {word} {number}")),
            description: asked.description.unwrap_or_default(),
            priority: asked.priority,
            channel: Some(Channel::Call),
            requester_id: asked.requester_id.or(call.customer_id),
            assignee_id: asked.assignee_id,
            team_id: asked.team_id,
            tags: asked.tags,
            call_id: Some(call.id),
            ..New::default()
        }
        .checked()
    }
}

/// Ties a call to a ticket, or opens one for it.
///
/// # Errors
/// 404 for another tenant's call, 409 `call_has_ticket` for a second new one, 422 naming
/// `ticket_id` for a ticket that is not there, or what is wrong with the new one.
pub(super) fn tie(
    w: &mut Write<'_>,
    hand: &Hand,
    listener: &Listener,
    (id, asked): (EntityId, &Ticket),
) -> Result<Tied> {
    let call = sql::find(w, hand.tenant, id)?.or_not_found("call")?;
    let ticket = match asked.ticket_id {
        Some(_) if asked.has_new() => {
            return Err(Error::field(
                "ticket_id",
                "stands alone: a ticket that is there is not new",
            ));
        }
        Some(ticket) => tickets::visible(w, listener, ticket)?
            .ok_or_else(|| Error::field("ticket_id", "is no ticket here"))?,
        None if call.ticket_id.is_some() => {
            return Err(Error::conflict("call_has_ticket", "this call has a ticket already"));
        }
        None => tickets::create(w, hand, &asked.new_for(&call)?)?,
    };
    let call = steps::link(w, hand, id, ticket.id)?;
    Ok(Tied { call, ticket: ticket.shown_to(listener) })
}
