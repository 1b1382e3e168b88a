//! What is said of a comment: its event, and who is told in what words.

use super::Comment;
use crate::{
    db::{Say, Write},
    error::{Error, Result},
    event::{Audience, Kind, changes::Changes},
    http::Caller,
    id::UserId,
    notifications::{self, Notice, Reason, RelatedType, Type, words},
    tickets::{Participants, Ticket},
};
use serde_json::value::to_raw_value;

/// A comment, its ticket, and who is on that.
pub(super) type About<'a> = (&'a Comment, &'a Ticket, &'a Participants);

/// Says `kind` to those who may see the comment; answers its `seq`.
pub(super) fn say(
    w: &mut Write<'_>,
    who: &Caller,
    kind: Kind,
    (comment, ticket, people): About<'_>,
    changes: Option<&Changes>,
) -> Result<i64> {
    let mut say = Say::new(comment.tenant_id, kind, comment)?.by(who.actor()).subject(ticket.id);
    say = if comment.is_internal() {
        say.audience(Audience::Staff)
    } else {
        say.audience(Audience::Participants).named(people.customers.clone())
    };
    if let Some(changes) = changes {
        say = say.changes(changes)?;
    }
    Ok(w.say(say)?.seq)
}

/// Tells of a new comment: the mentioned that they are, everybody else on the ticket what there is.
pub(super) fn of_created(
    w: &mut Write<'_>,
    who: &Caller,
    about: About<'_>,
    seq: i64,
) -> Result<()> {
    let (comment, ticket, _) = about;
    let (subject, author) = (&ticket.subject, &who.name);
    let news = if comment.is_internal() {
        (Type::InternalNoteOnTicket, words::internal_note_on_ticket(subject, author))
    } else {
        (Type::CommentOnTicket, words::comment_on_ticket(subject, author))
    };
    mentioned(w, who, about, &comment.mentions, seq)?;
    let others = audience(about, &comment.mentions);
    notify(w, who, comment, (news, others), seq)
}

/// Tells of an edited comment: those who are newly mentioned that they are, everybody else who
/// could read it that it is another one now.
pub(super) fn of_updated(
    w: &mut Write<'_>,
    who: &Caller,
    about: About<'_>,
    known: &[UserId],
    seq: i64,
) -> Result<()> {
    let (comment, ticket, _) = about;
    let fresh: Vec<_> =
        comment.mentions.iter().copied().filter(|user| !known.contains(user)).collect();
    mentioned(w, who, about, &fresh, seq)?;
    let message = words::comment_updated(&ticket.subject, &who.name);
    let others = audience(about, &fresh);
    notify(w, who, comment, ((Type::CommentUpdated, message), others), seq)
}

/// Tells of a deleted comment everybody who could read it.
pub(super) fn of_deleted(
    w: &mut Write<'_>,
    who: &Caller,
    about: About<'_>,
    seq: i64,
) -> Result<()> {
    let (comment, ticket, _) = about;
    let message = words::comment_deleted(&ticket.subject, &who.name);
    let everybody = audience(about, &[]);
    notify(w, who, comment, ((Type::CommentDeleted, message), everybody), seq)
}

fn mentioned(
    w: &mut Write<'_>,
    who: &Caller,
    (comment, ticket, _): About<'_>,
    users: &[UserId],
    seq: i64,
) -> Result<()> {
    let message = words::mention(&ticket.subject, &who.name);
    let users = users.iter().map(|user| (*user, Reason::Mentioned)).collect();
    notify(w, who, comment, ((Type::Mention, message), users), seq)
}

/// Everybody whom the comment concerns, but for those who are told in other words: in public who is
/// on the ticket, of a note the staff among them; and who is mentioned.
fn audience((comment, _, people): About<'_>, told: &[UserId]) -> Vec<(UserId, Reason)> {
    let (requester, followers) = if comment.is_internal() {
        (None, &people.staff_followers)
    } else {
        (Some(people.requester), &people.followers)
    };
    let requester = requester.map(|user| (user, Reason::Requester));
    let assignee = people.assignee.map(|user| (user, Reason::Assignee));
    let followers = followers.iter().map(|user| (*user, Reason::Follower));
    let mentioned = comment.mentions.iter().map(|user| (*user, Reason::Mentioned));
    let all = requester.into_iter().chain(assignee).chain(followers).chain(mentioned);
    all.filter(|(user, _)| !told.contains(user)).collect()
}

fn notify(
    w: &mut Write<'_>,
    who: &Caller,
    comment: &Comment,
    ((kind, message), recipients): ((Type, String), Vec<(UserId, Reason)>),
    event_seq: i64,
) -> Result<()> {
    if recipients.is_empty() {
        return Ok(());
    }
    let notice = Notice {
        tenant: comment.tenant_id,
        kind,
        message,
        related_id: comment.id.to_string(),
        related_type: RelatedType::Comment,
        actor: who.actor(),
        recipients,
        internal: comment.is_internal(),
        entity: to_raw_value(comment).map_err(Error::internal)?,
        event_seq,
    };
    notifications::notify(w, notice).map(|_| ())
}
