//! What is said of a change of a ticket: its events, the notifications, the text index.

use super::{Hand, Participants, sql, ticket::Ticket};
use crate::{
    db::{Say, Write},
    error::{Error, Result},
    event::{Kind, changes::Changes},
    id::{EntityId, TenantId, UserId},
    notifications::{self, Notice, Reason, RelatedType, Type, words},
    search, teams,
};
use serde_json::value::to_raw_value;

/// Says `kind` of a ticket to staff and to the customers on it; answers its `seq`.
pub(super) fn say(
    w: &mut Write<'_>,
    hand: &Hand,
    kind: Kind,
    (ticket, people): (&Ticket, &Participants),
    changes: Option<&Changes>,
) -> Result<i64> {
    let merged = kind == Kind::TicketMerged;
    let mut say = Say::new(ticket.tenant_id, kind, ticket)?
        .by(hand.actor.clone())
        .named(people.customers.clone())
        .subject(ticket.id);
    // The ticket that takes over shows where the other one went.
    if let Some(target) = ticket.merged_into_id.filter(|_| merged) {
        say = say.subject(target);
    }
    if let Some(changes) = changes {
        say = say.changes(changes)?;
    }
    Ok(w.say(say)?.seq)
}

/// Puts a ticket where it is found by its words, by those who may see it; a deleted one nowhere.
pub(super) fn index(w: &mut Write<'_>, ticket: &Ticket, people: &Participants) {
    if ticket.deleted_at.is_some() {
        return search::remove(w, search::Kind::Ticket, ticket.rid);
    }
    let doc = search::Doc {
        tenant: ticket.tenant_id,
        kind: search::Kind::Ticket,
        rid: ticket.rid,
        readers: &people.customers,
        everyone: false,
        title: &ticket.subject,
        body: &ticket.description,
    };
    search::put(w, &doc);
}

/// Puts a ticket anew where it is found by its words, because they were rewritten.
///
/// # Errors
/// When the database refuses.
pub fn text_changed(w: &mut Write<'_>, tenant: TenantId, id: EntityId) -> Result<()> {
    if let Some(ticket) = sql::find(w, tenant, id)? {
        sql::put_words_anew(w, &ticket);
        let people = sql::participants(w, &ticket)?;
        index(w, &ticket, &people);
    }
    Ok(())
}

/// Tells everybody who is to be told.
pub(super) fn notify(w: &mut Write<'_>, notices: Vec<Notice>) -> Result<()> {
    for notice in notices {
        notifications::notify(w, notice)?;
    }
    Ok(())
}

/// One notification about a ticket; none when nobody would get it.
pub(super) fn notice(
    hand: &Hand,
    ticket: &Ticket,
    (kind, message): (Type, String),
    recipients: Vec<(UserId, Reason)>,
    event_seq: i64,
) -> Result<Option<Notice>> {
    if recipients.is_empty() {
        return Ok(None);
    }
    Ok(Some(Notice {
        tenant: ticket.tenant_id,
        kind,
        message,
        related_id: ticket.id.to_string(),
        related_type: RelatedType::Ticket,
        actor: hand.actor.clone(),
        recipients,
        internal: false,
        entity: to_raw_value(ticket).map_err(Error::internal)?,
        event_seq,
    }))
}

/// Who is told that a ticket was opened, and in what words.
pub(super) fn of_created(
    w: &Write<'_>,
    hand: &Hand,
    ticket: &Ticket,
    seq: i64,
) -> Result<Option<Notice>> {
    let subject = &ticket.subject;
    if hand.is_staff() {
        let message = words::ticket_opened_for_you(subject);
        let requester = vec![(ticket.requester_id, Reason::Requester)];
        return notice(hand, ticket, (Type::TicketCreated, message), requester, seq);
    }
    let message = words::ticket_created(ticket.number, subject, &hand.actor.name);
    let mut recipients = team_or_staff(w, ticket)?;
    // Whoever got it at once is told so in better words.
    recipients.retain(|(user, _)| Some(*user) != ticket.assignee_id);
    notice(hand, ticket, (Type::TicketCreated, message), recipients, seq)
}

/// The members of the ticket's team; all staff when it has none, or one without members.
fn team_or_staff(w: &Write<'_>, ticket: &Ticket) -> Result<Vec<(UserId, Reason)>> {
    let mut members = match ticket.team_id {
        Some(team) => teams::members(w, ticket.tenant_id, team)?.unwrap_or_default(),
        None => Vec::new(),
    };
    if members.is_empty() {
        members = sql::all_staff(w, ticket.tenant_id)?;
    }
    Ok(members.into_iter().map(|user| (user, Reason::Team)).collect())
}

/// Who is told that a ticket was changed: those whose it is, and those who follow it; not those who
/// are told the same change in other words.
pub(super) fn of_updated(
    hand: &Hand,
    (ticket, people): (&Ticket, &Participants),
    told: &[UserId],
    seq: i64,
) -> Result<Vec<Notice>> {
    let mut own = vec![(people.requester, Reason::Requester)];
    own.extend(people.assignee.map(|user| (user, Reason::Assignee)));
    own.retain(|(user, _)| !told.contains(user));
    let following = people.followers.iter().copied();
    let others = following
        .filter(|user| !told.contains(user) && !own.iter().any(|(known, _)| known == user))
        .map(|user| (user, Reason::Follower))
        .collect();
    let yours = (Type::TicketUpdated, words::ticket_updated(Reason::Requester));
    let followed = (Type::TicketUpdated, words::ticket_updated(Reason::Follower));
    let notices =
        [notice(hand, ticket, yours, own, seq)?, notice(hand, ticket, followed, others, seq)?];
    Ok(notices.into_iter().flatten().collect())
}

/// Everybody on a ticket is told that it was deleted, or merged into the ticket of that number.
pub(super) fn of_end(
    hand: &Hand,
    (ticket, people): (&Ticket, &Participants),
    into: Option<i64>,
    seq: i64,
) -> Result<Option<Notice>> {
    let (subject, author) = (&ticket.subject, &hand.actor.name);
    let told = match into {
        Some(number) => (Type::TicketMerged, words::ticket_merged(subject, number, author)),
        None => (Type::TicketDeleted, words::ticket_deleted(subject, author)),
    };
    let mut all = vec![(people.requester, Reason::Requester)];
    all.extend(people.assignee.map(|user| (user, Reason::Assignee)));
    all.extend(people.followers.iter().map(|user| (*user, Reason::Follower)));
    notice(hand, ticket, told, all, seq)
}

/// Says to whom a ticket went or from whom it was taken, and tells both of them. Answers who is
/// told by that.
pub(super) fn assignment(
    w: &mut Write<'_>,
    hand: &Hand,
    (before, after): (Option<UserId>, &Ticket),
    (people, changes): (&Participants, &Changes),
    notices: &mut Vec<Notice>,
) -> Result<Vec<UserId>> {
    if before == after.assignee_id {
        return Ok(Vec::new());
    }
    let (subject, author) = (&after.subject, &hand.actor.name);
    let kind =
        if after.assignee_id.is_some() { Kind::TicketAssigned } else { Kind::TicketUnassigned };
    let seq = say(w, hand, kind, (after, people), Some(changes))?;
    if let Some(user) = after.assignee_id {
        let message = words::ticket_assigned(subject, author);
        let to = vec![(user, Reason::Assignee)];
        notices.extend(notice(hand, after, (Type::TicketAssigned, message), to, seq)?);
    }
    if let Some(user) = before {
        let message = words::ticket_unassigned(subject, author);
        let from = vec![(user, Reason::Assignee)];
        notices.extend(notice(hand, after, (Type::TicketUnassigned, message), from, seq)?);
    }
    Ok(before.into_iter().chain(after.assignee_id).collect())
}
