//! Who is on a ticket: followers come and go, and two tickets about one matter become one.

use super::{
    Hand,
    change::{Saved, check_version, save, seen, stored},
    edit::FOLLOWERS_MAX,
    rules, sla, sql, tell,
    ticket::Ticket,
    words::Status,
};
use crate::{
    db::Write,
    error::{Error, Result},
    event::{Kind, changes::Changes},
    id::{EntityId, UserId},
};

/// Makes somebody follow a ticket, or stop following it. Nobody is told: they will see.
///
/// # Errors
/// 404 for what the hand does not see; 403 for a customer who speaks of somebody else; 409
/// `ticket_merged`; 422 for an account that is not active here, and for too many followers.
pub fn follow(
    w: &mut Write<'_>,
    hand: &Hand,
    id: EntityId,
    (user, follows): (UserId, bool),
) -> Result<Ticket> {
    let before = seen(w, hand, id)?;
    rules::not_merged(&before)?;
    if !hand.is_staff() && hand.user != Some(user) {
        return Err(Error::Forbidden("customers decide only for themselves what they follow"));
    }
    let mut after = before.clone();
    after.followers.retain(|known| *known != user);
    if follows {
        if !matches!(sql::account(w, hand.tenant, user)?, Some((_, true))) {
            return Err(Error::field("user_id", "is nobody's active account here"));
        }
        if after.followers.len() >= FOLLOWERS_MAX {
            return Err(Error::field("user_id", "a ticket has at most 100 followers"));
        }
        if before.followers.contains(&user) {
            return Ok(before);
        }
        after.followers.push(user);
    }
    save(w, hand, &before, after)?.told(w)
}

/// Merges a ticket into another one: it is closed for good and says where to go on.
///
/// Its staff go along as followers; its customers only where both are the same customer's matter,
/// because nobody should see another customer's ticket for having asked the same.
///
/// # Errors
/// 404 for what the hand does not see; 422 for merging a ticket into itself; 409
/// `version_conflict`, `ticket_merged`, or `ticket_closed` for a target that is closed.
pub fn merge(
    w: &mut Write<'_>,
    hand: &Hand,
    (id, into): (EntityId, EntityId),
    based_on: Option<i64>,
) -> Result<Ticket> {
    let before = seen(w, hand, id)?;
    check_version(hand, based_on, &before)?;
    rules::not_merged(&before)?;
    let target = seen(w, hand, into)?;
    if target.id == before.id {
        return Err(Error::field("into", "must be another ticket"));
    }
    rules::not_closed(&target)?;
    let mut after = before.clone();
    rules::enter(&mut after, Status::Closed, w.now);
    after.merged_into_id = Some(target.id);
    let changes = Changes::between(&before, &after)?;
    let mut ticket = stored(w, &before, after)?;
    let people = sql::participants(w, &ticket)?;
    let about = (&ticket, &people);
    let seq = tell::say(w, hand, Kind::TicketMerged, about, Some(&changes))?;
    if changes.touches("status") {
        tell::say(w, hand, Kind::TicketStatusChanged, about, Some(&changes))?;
    }
    let mut notices: Vec<_> =
        tell::of_end(hand, about, Some(target.number), seq)?.into_iter().collect();
    let same_customer = ticket.requester_id == target.requester_id;
    let go_along = if same_customer { &people.followers } else { &people.staff_followers };
    let mut taken_over = target.clone();
    for user in go_along.iter().chain(&people.assignee) {
        let known = taken_over.assignee_id == Some(*user) || taken_over.followers.contains(user);
        if !known && *user != target.requester_id && taken_over.followers.len() < FOLLOWERS_MAX {
            taken_over.followers.push(*user);
        }
    }
    notices.extend(sla::follow(w, Some(&before), &mut ticket)?);
    let taken_over = save(w, hand, &target, taken_over)?;
    notices.extend(taken_over.notices);
    Saved { ticket, notices, changed: true }.told(w)
}
