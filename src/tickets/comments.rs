//! What a comment means for its ticket; the room of comments calls this in its own transaction.

use super::{
    Hand, change, rules, sla, sql, tell,
    ticket::Ticket,
    words::{Status, Visibility},
};
use crate::{
    db::Write,
    error::Result,
    event::{Kind, changes::Changes},
    id::EntityId,
};

/// A comment is made on a ticket: counts it, and for a public one moves what hangs on it.
///
/// The first public answer by staff other than the requester stops the first clock; a customer's
/// comment brings a pending or lately resolved ticket back. An internal note touches only what
/// staff see.
///
/// Says `ticket.updated` (and `ticket.status.changed`) for a public comment but tells nobody: the
/// comment's own notification does. Answers the ticket as it then is.
///
/// # Errors
/// 404 for what the hand does not see, 409 `ticket_closed` or `ticket_merged`.
pub fn comment_added(
    w: &mut Write<'_>,
    hand: &Hand,
    id: EntityId,
    visibility: Visibility,
) -> Result<Ticket> {
    let before = change::seen(w, hand, id)?;
    rules::not_closed(&before)?;
    let mut after = before.clone();
    if visibility == Visibility::Internal {
        after.staff.internal_note_count += 1;
        return staff_only(w, after);
    }
    after.comment_count += 1;
    after.last_comment_at = Some(w.now);
    // Staff who comment on a matter of their own speak as the customer.
    let answers = hand.is_staff() && hand.user != Some(before.requester_id);
    if answers {
        after.first_responded_at = after.first_responded_at.or(Some(w.now));
        after.waiting_since = None;
    } else {
        if rules::comes_back(&before, w.now) {
            rules::enter(&mut after, Status::Open, w.now);
        }
        if !after.status.is_over() {
            after.waiting_since = after.waiting_since.or(Some(w.now));
        }
    }
    public(w, hand, &before, after)
}

/// A comment of a ticket was deleted: it no longer counts.
///
/// # Errors
/// When the database refuses.
pub fn comment_removed(
    w: &mut Write<'_>,
    hand: &Hand,
    id: EntityId,
    visibility: Visibility,
) -> Result<Ticket> {
    let before = change::seen(w, hand, id)?;
    let mut after = before.clone();
    if visibility == Visibility::Internal {
        after.staff.internal_note_count = (after.staff.internal_note_count - 1).max(0);
        return staff_only(w, after);
    }
    after.comment_count = (after.comment_count - 1).max(0);
    public(w, hand, &before, after)
}

/// Something happened on a ticket that changes none of its fields: an attachment, an edited
/// comment. Staff's lists by activity notice.
///
/// # Errors
/// 404 for what the hand does not see.
pub fn touched(w: &mut Write<'_>, hand: &Hand, id: EntityId) -> Result<Ticket> {
    let ticket = change::seen(w, hand, id)?;
    staff_only(w, ticket)
}

fn staff_only(w: &Write<'_>, mut ticket: Ticket) -> Result<Ticket> {
    ticket.staff.last_activity_at = w.now;
    sql::update_staff_fields(w, &ticket)?;
    Ok(ticket)
}

fn public(w: &mut Write<'_>, hand: &Hand, before: &Ticket, after: Ticket) -> Result<Ticket> {
    let changes = Changes::between(before, &after)?;
    if changes.is_empty() {
        return staff_only(w, after);
    }
    let mut ticket = change::stored(w, before, after)?;
    let people = sql::participants(w, &ticket)?;
    tell::say(w, hand, Kind::TicketUpdated, (&ticket, &people), Some(&changes))?;
    if changes.touches("status") {
        tell::say(w, hand, Kind::TicketStatusChanged, (&ticket, &people), Some(&changes))?;
    }
    let notices = sla::follow(w, Some(before), &mut ticket)?;
    tell::notify(w, notices)?;
    Ok(ticket)
}
