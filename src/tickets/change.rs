//! Opening, changing, deleting and bringing back one ticket: the row, the events, the clocks, and
//! who is told. Each is one transaction.

use super::{
    Edit, Hand, New, assign, rules, sla, sql, tell,
    ticket::{StaffFields, Ticket},
    words::{Priority, Status},
};
use crate::{
    auth::Role,
    comments,
    db::Write,
    error::{Checks, Error, OrNotFound, Result},
    event::{Kind, changes::Changes},
    http::patch,
    id::{EntityId, UserId},
    notifications::Notice,
    teams,
};

/// A ticket after a change, and who is still to be told of it.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) ticket: Ticket,
    pub(super) notices: Vec<Notice>,
    /// Whether anything changed.
    pub(super) changed: bool,
}

impl Saved {
    pub(super) fn told(self, w: &mut Write<'_>) -> Result<Ticket> {
        tell::notify(w, self.notices)?;
        Ok(self.ticket)
    }

    fn unchanged(ticket: Ticket) -> Self {
        Self { ticket, notices: Vec::new(), changed: false }
    }
}

/// Opens a ticket. `new` was checked.
///
/// # Errors
/// 403 for what a customer may not decide; 422 for people and teams that are not the tenant's.
pub fn create(w: &mut Write<'_>, hand: &Hand, new: &New) -> Result<Ticket> {
    let own = new.requester_id.is_none() || new.requester_id == hand.user;
    if !hand.is_staff() && (!own || !new.for_staff_only().is_empty()) {
        return Err(Error::Forbidden(
            "customers decide only subject, description, priority, type, team and custom fields",
        ));
    }
    let requester = new.requester_id.or(hand.user);
    let requester_id = requester
        .ok_or_else(|| Error::field("requester_id", "is required: whose matter is it?"))?;
    let mut ticket = drafted(w, hand, new, requester_id)?;
    check_people(w, None, &ticket)?;
    if let Some(status) = new.status {
        rules::enter(&mut ticket, status, w.now);
    }
    let by_rule = assign::by_rule(w, hand, &mut ticket)?;
    sql::insert(w, &mut ticket)?;
    let people = sql::participants(w, &ticket)?;
    tell::index(w, &ticket, &people);
    let seq = tell::say(w, hand, Kind::TicketCreated, (&ticket, &people), None)?;
    let mut notices: Vec<_> = tell::of_created(w, hand, &ticket, seq)?.into_iter().collect();
    if ticket.assignee_id.is_some() {
        let unassigned = Ticket { assignee_id: None, ..ticket.clone() };
        let changes = Changes::between(&unassigned, &ticket)?;
        let giver = by_rule.as_ref().unwrap_or(hand);
        tell::assignment(w, giver, (None, &ticket), (&people, &changes), &mut notices)?;
    }
    notices.extend(sla::follow(w, None, &mut ticket)?);
    Saved { ticket, notices, changed: true }.told(w)
}

fn drafted(w: &Write<'_>, hand: &Hand, new: &New, requester_id: UserId) -> Result<Ticket> {
    Ok(Ticket {
        rid: 0,
        id: EntityId::new(w.now),
        tenant_id: hand.tenant,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
        deleted_at: None,
        number: sql::next_number(w, hand.tenant)?,
        subject: new.subject.clone(),
        description: new.description.clone(),
        status: Status::Open,
        priority: new.priority.unwrap_or(Priority::Normal),
        kind: new.kind.clone(),
        channel: new.channel.unwrap_or(hand.channel),
        requester_id,
        assignee_id: new.assignee_id,
        team_id: new.team_id,
        created_by: hand.actor.id,
        tags: new.tags.clone(),
        custom: new.custom.clone(),
        followers: new.followers.clone(),
        due_at: new.due_at.map(|moment| moment.0),
        first_responded_at: None,
        resolved_at: None,
        closed_at: None,
        reopened_count: 0,
        waiting_since: Some(w.now),
        comment_count: 0,
        last_comment_at: None,
        merged_into_id: None,
        call_id: new.call_id,
        chat_id: new.chat_id,
        staff: StaffFields { last_activity_at: w.now, ..StaffFields::default() },
    })
}

/// Changes a ticket. `edit` was checked. What changes nothing stores nothing and says nothing.
///
/// # Errors
/// 404 for what the hand does not see; 403 for what a customer may not decide; 409
/// `version_conflict`, `ticket_closed` or `ticket_merged`; 422 for people and teams that are not
/// the tenant's.
pub fn change(w: &mut Write<'_>, hand: &Hand, id: EntityId, edit: &Edit) -> Result<Ticket> {
    change_quietly(w, hand, id, edit)?.told(w)
}

/// The same, but whoever calls tells the people.
pub(super) fn change_quietly(
    w: &mut Write<'_>,
    hand: &Hand,
    id: EntityId,
    edit: &Edit,
) -> Result<Saved> {
    let before = seen(w, hand, id)?;
    check_version(hand, edit.version, &before)?;
    rules::not_merged(&before)?;
    let moves = edit.status.filter(|status| *status != before.status);
    if moves.is_some() {
        rules::not_closed(&before)?;
    }
    if !hand.is_staff() {
        rules::not_closed(&before)?;
        if !edit.for_staff_only().is_empty() {
            return Err(Error::Forbidden(
                "customers change only the subject and description, or resolve their ticket",
            ));
        }
    }
    let mut after = edit.applied_to(&before)?;
    check_people(w, Some(&before), &after)?;
    if let Some(status) = moves {
        rules::enter(&mut after, status, w.now);
    }
    let moved = after.team_id != before.team_id;
    let by_rule = if moved { assign::by_rule(w, hand, &mut after)? } else { None };
    let giver = by_rule.as_ref().unwrap_or(hand);
    save_given(w, (hand, giver), &before, after)
}

/// Refuses a change that was made from an older version; the hand is told how it is now.
pub(super) fn check_version(hand: &Hand, based_on: Option<i64>, now: &Ticket) -> Result<()> {
    patch::check_version(based_on, now.version, &now.clone().shown(hand.is_staff()))
}

/// A ticket as the hand sees it.
pub(super) fn seen(w: &Write<'_>, hand: &Hand, id: EntityId) -> Result<Ticket> {
    sql::find(w, hand.tenant, id)?.filter(|ticket| hand.sees(ticket)).or_not_found("ticket")
}

/// Stores a change that was judged, says it, and moves the clocks.
pub(super) fn save(
    w: &mut Write<'_>,
    hand: &Hand,
    before: &Ticket,
    after: Ticket,
) -> Result<Saved> {
    save_given(w, (hand, hand), before, after)
}

/// The same, where another hand may have given the ticket to whoever works on it now.
fn save_given(
    w: &mut Write<'_>,
    (hand, giver): (&Hand, &Hand),
    before: &Ticket,
    after: Ticket,
) -> Result<Saved> {
    let changes = Changes::between(before, &after)?;
    if changes.is_empty() {
        return Ok(Saved::unchanged(before.clone()));
    }
    let ticket = stored(w, before, after)?;
    let mut saved = Saved { ticket, notices: Vec::new(), changed: true };
    let people = sql::participants(w, &saved.ticket)?;
    if ["subject", "description", "requester_id", "followers"].iter().any(|f| changes.touches(f)) {
        tell::index(w, &saved.ticket, &people);
    }
    if changes.touches("requester_id") || changes.touches("followers") {
        comments::index_anew(w, &saved.ticket, &people);
    }
    let about = (&saved.ticket, &people);
    let seq = tell::say(w, hand, Kind::TicketUpdated, about, Some(&changes))?;
    if changes.touches("status") {
        tell::say(w, hand, Kind::TicketStatusChanged, about, Some(&changes))?;
    }
    let moved = (before.assignee_id, &saved.ticket);
    let told = tell::assignment(w, giver, moved, (&people, &changes), &mut saved.notices)?;
    if changes.touches_beside("followers") {
        saved.notices.extend(tell::of_updated(hand, about, &told, seq)?);
    }
    saved.notices.extend(sla::follow(w, Some(before), &mut saved.ticket)?);
    Ok(saved)
}

/// Stores a changed ticket as its next version.
pub(super) fn stored(w: &mut Write<'_>, before: &Ticket, mut after: Ticket) -> Result<Ticket> {
    after.version = before.version + 1;
    after.updated_at = w.now;
    after.staff.last_activity_at = w.now;
    sql::update(w, before, &after)?;
    Ok(after)
}

/// Deletes a ticket; it can be restored. Deleting it again changes nothing.
///
/// # Errors
/// 404 for another tenant's, 409 `version_conflict`.
pub fn remove(
    w: &mut Write<'_>,
    hand: &Hand,
    id: EntityId,
    based_on: Option<i64>,
) -> Result<Ticket> {
    remove_quietly(w, hand, id, based_on)?.told(w)
}

/// The same, but whoever calls tells the people.
pub(super) fn remove_quietly(
    w: &mut Write<'_>,
    hand: &Hand,
    id: EntityId,
    based_on: Option<i64>,
) -> Result<Saved> {
    let before = sql::find(w, hand.tenant, id)?.or_not_found("ticket")?;
    check_version(hand, based_on, &before)?;
    if before.deleted_at.is_some() {
        return Ok(Saved::unchanged(before));
    }
    let after = Ticket { deleted_at: Some(w.now), ..before.clone() };
    let changes = Changes::between(&before, &after)?;
    let mut ticket = stored(w, &before, after)?;
    let people = sql::participants(w, &ticket)?;
    tell::index(w, &ticket, &people);
    comments::index_anew(w, &ticket, &people);
    let seq = tell::say(w, hand, Kind::TicketDeleted, (&ticket, &people), Some(&changes))?;
    let mut notices: Vec<_> =
        tell::of_end(hand, (&ticket, &people), None, seq)?.into_iter().collect();
    notices.extend(sla::follow(w, Some(&before), &mut ticket)?);
    Ok(Saved { ticket, notices, changed: true })
}

/// Brings a deleted ticket back as it was. Restoring one that is not deleted changes nothing.
///
/// # Errors
/// 404 for another tenant's, 409 `version_conflict`.
pub fn restore(
    w: &mut Write<'_>,
    hand: &Hand,
    id: EntityId,
    based_on: Option<i64>,
) -> Result<Ticket> {
    let before = sql::find(w, hand.tenant, id)?.or_not_found("ticket")?;
    check_version(hand, based_on, &before)?;
    if before.deleted_at.is_none() {
        return Ok(before);
    }
    let after = Ticket { deleted_at: None, ..before.clone() };
    let changes = Changes::between(&before, &after)?;
    let mut ticket = stored(w, &before, after)?;
    let people = sql::participants(w, &ticket)?;
    tell::index(w, &ticket, &people);
    comments::index_anew(w, &ticket, &people);
    tell::say(w, hand, Kind::TicketRestored, (&ticket, &people), Some(&changes))?;
    let notices = sla::follow(w, Some(&before), &mut ticket)?;
    Saved { ticket, notices, changed: true }.told(w)
}

/// Opens again what is resolved or closed. Customers may do so as long as their comment would.
/// Reopening what is not over changes nothing.
///
/// # Errors
/// 404 for what the hand does not see, 409 `version_conflict`, `ticket_closed` or `ticket_merged`.
pub fn reopen(
    w: &mut Write<'_>,
    hand: &Hand,
    id: EntityId,
    based_on: Option<i64>,
) -> Result<Ticket> {
    let before = seen(w, hand, id)?;
    check_version(hand, based_on, &before)?;
    rules::not_merged(&before)?;
    if !before.status.is_over() {
        return Ok(before);
    }
    if !hand.is_staff() && !rules::comes_back(&before, w.now) {
        rules::not_closed(&before)?;
        return Err(Error::conflict(
            "ticket_closed",
            "this ticket was resolved too long ago: open a new one about it",
        ));
    }
    let mut after = before.clone();
    rules::enter(&mut after, Status::Open, w.now);
    save(w, hand, &before, after)?.told(w)
}

/// Everyone and everything a ticket names must be the tenant's; only what changed is looked up.
fn check_people(w: &Write<'_>, before: Option<&Ticket>, after: &Ticket) -> Result<()> {
    let tenant = after.tenant_id;
    let mut checks = Checks::new();
    if before.is_none_or(|b| b.requester_id != after.requester_id) {
        let known = sql::account(w, tenant, after.requester_id)?.is_some();
        checks.check(known, "requester_id", "is nobody's account here");
    }
    if let Some(user) = after.assignee_id
        && before.is_none_or(|b| b.assignee_id != after.assignee_id)
    {
        let works = matches!(sql::account(w, tenant, user)?, Some((role, true)) if role.is_staff());
        checks.check(works, "assignee_id", "must be an active agent's account");
    }
    if let Some(team) = after.team_id
        && before.is_none_or(|b| b.team_id != after.team_id)
    {
        let known = teams::members(w, tenant, team)?.is_some();
        checks.check(known, "team_id", "is no team here");
    }
    for (at, follower) in after.followers.iter().enumerate() {
        if before.is_none_or(|b| !b.followers.contains(follower)) {
            let account: Option<(Role, bool)> = sql::account(w, tenant, *follower)?;
            let active = account.is_some_and(|(_, active)| active);
            checks.check(active, &format!("followers[{at}]"), "is nobody's active account here");
        }
    }
    checks.done()
}
