//! Writing, changing and deleting a comment: the row, its ticket, the events, the text index, and
//! who is told. Each is one transaction.

use super::{Comment, Edit, New, sql, tell};
use crate::{
    attachments::{self, Store},
    auth::Role,
    db::Write,
    error::{Checks, OrNotFound, Result},
    event::{Kind, Listener, changes::Changes},
    http::{Caller, patch::check_version},
    id::{EntityId, TenantId, UserId},
    search,
    tickets::{self, Hand, Participants, Ticket, Visibility},
};

/// Writes a comment. `new` was checked.
///
/// # Errors
/// 404 for a ticket that `who` does not see, 409 `ticket_closed` or `ticket_merged`, 422 for people
/// who may not read what mentions them.
pub fn create(w: &mut Write<'_>, who: &Caller, ticket: EntityId, new: &New) -> Result<Comment> {
    let found = tickets::visible(w, &who.listener(), ticket)?;
    let ticket = found.or_not_found("ticket")?;
    let people = tickets::participants(w, &ticket)?;
    let asked = new.visibility.unwrap_or(Visibility::Public);
    let visibility = if who.role.is_staff() { asked } else { Visibility::Public };
    let mut comment = Comment {
        rid: 0,
        id: EntityId::new(w.now),
        tenant_id: who.tenant,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
        deleted_at: None,
        ticket_id: ticket.id,
        author_id: who.user,
        author_name: String::new(),
        body: new.body.clone(),
        format: new.format.unwrap_or_default(),
        visibility,
        mentions: new.mentions.clone(),
        attachments: Vec::new(),
        edited_at: None,
    };
    check_mentions(w, &comment, &people, &[])?;
    sql::insert(w, &comment)?;
    comment = sql::find(w, who.tenant, comment.id)?.or_not_found("comment")?;
    search::put(w, &doc(&comment, &people));
    let about = (&comment, &ticket, &people);
    let seq = tell::say(w, who, Kind::CommentCreated, about, None)?;
    // It judges whether the ticket takes comments at all; if not, nothing of this was said.
    tickets::comment_added(w, &Hand::of(who), ticket.id, visibility)?;
    tell::of_created(w, who, about, seq)?;
    Ok(comment)
}

/// Changes a comment. `change` was checked. What changes nothing stores nothing and says nothing.
///
/// # Errors
/// 403 for others' comments, 404 for what `who` does not see, 409 `version_conflict` or
/// `ticket_closed`, 422 for people who may not read what mentions them.
pub fn edit(w: &mut Write<'_>, who: &Caller, id: EntityId, change: &Edit) -> Result<Comment> {
    let (before, ticket) = seen(w, &who.listener(), id)?;
    check_version(change.version, before.version, &before)?;
    before.may_be_changed_by(who, &ticket)?;
    let people = tickets::participants(w, &ticket)?;
    let mut after = change.applied_to(&before);
    check_mentions(w, &after, &people, &before.mentions)?;
    let mut changes = Changes::between(&before, &after)?;
    if changes.is_empty() {
        return Ok(before);
    }
    if changes.touches("body") || changes.touches("format") {
        after.edited_at = Some(w.now);
        changes = Changes::between(&before, &after)?;
    }
    (after.version, after.updated_at) = (before.version + 1, w.now);
    sql::update(w, &after)?;
    search::put(w, &doc(&after, &people));
    tickets::touched(w, &Hand::of(who), ticket.id)?;
    let about = (&after, &ticket, &people);
    let seq = tell::say(w, who, Kind::CommentUpdated, about, Some(&changes))?;
    tell::of_updated(w, who, about, &before.mentions, seq)?;
    Ok(after)
}

/// Deletes a comment and its files.
///
/// # Errors
/// 403 for others' comments, 404 for what `who` does not see, 409 `version_conflict` or
/// `ticket_closed`.
pub fn remove(
    w: &mut Write<'_>,
    files: &Store,
    who: &Caller,
    id: EntityId,
    based_on: Option<i64>,
) -> Result<Comment> {
    let (before, ticket) = seen(w, &who.listener(), id)?;
    check_version(based_on, before.version, &before)?;
    before.may_be_changed_by(who, &ticket)?;
    attachments::remove_all_of(w, files, who, attachments::Target::comment(id))?;
    let mut after = before.clone();
    (after.version, after.updated_at, after.deleted_at) = (before.version + 1, w.now, Some(w.now));
    sql::update(w, &after)?;
    search::remove(w, search_kind(&after), after.rid);
    let people = tickets::participants(w, &ticket)?;
    let changes = Changes::between(&before, &after)?;
    let about = (&after, &ticket, &people);
    let seq = tell::say(w, who, Kind::CommentDeleted, about, Some(&changes))?;
    tickets::comment_removed(w, &Hand::of(who), ticket.id, after.visibility)?;
    tell::of_deleted(w, who, about, seq)?;
    Ok(after)
}

/// Puts all comments of a ticket where those find them who may see the ticket now; nowhere, when it
/// is deleted. To be called when its customers change, and when it is deleted or restored.
pub fn index_anew(w: &mut Write<'_>, ticket: &Ticket, people: &Participants) {
    /// Comments taken in one step.
    const STEP: i64 = 200;
    let (user, role) = (UserId(uuid::Uuid::nil()), Role::Agent);
    let staff = Listener { tenant: ticket.tenant_id, user, role };
    let (id, deleted, people) = (ticket.id, ticket.deleted_at.is_some(), people.clone());
    // Read where it is used: a ticket may have any number of comments.
    w.at_the_end(move |last| {
        let mut after = 0;
        loop {
            let step = sql::list(last, &staff, id, (after, STEP))?;
            let Some(newest) = step.last() else { return Ok(()) };
            after = newest.rid;
            for comment in &step {
                if deleted {
                    search::remove_last(last, search_kind(comment), comment.rid)?;
                } else {
                    search::put_last(last, &doc(comment, &people))?;
                }
            }
        }
    });
}

/// Puts a comment anew where it is found by its words, because they were rewritten.
///
/// # Errors
/// When the database refuses.
pub fn text_changed(w: &mut Write<'_>, tenant: TenantId, id: EntityId) -> Result<()> {
    let found = sql::find(w, tenant, id)?.filter(|comment| comment.deleted_at.is_none());
    let Some(comment) = found else { return Ok(()) };
    if let Some(ticket) = tickets::find(w, tenant, comment.ticket_id)?
        && ticket.deleted_at.is_none()
    {
        let people = tickets::participants(w, &ticket)?;
        search::put(w, &doc(&comment, &people));
    }
    Ok(())
}

fn seen(w: &Write<'_>, who: &Listener, id: EntityId) -> Result<(Comment, Ticket)> {
    sql::visible(w, who, id)?.or_not_found("comment")
}

fn search_kind(comment: &Comment) -> search::Kind {
    if comment.is_internal() { search::Kind::InternalComment } else { search::Kind::Comment }
}

fn doc<'a>(comment: &'a Comment, people: &'a Participants) -> search::Doc<'a> {
    let readers = if comment.is_internal() { &[][..] } else { &people.customers };
    search::Doc {
        tenant: comment.tenant_id,
        kind: search_kind(comment),
        rid: comment.rid,
        readers,
        everyone: false,
        title: "",
        body: &comment.body,
    }
}

/// Who is mentioned must be able to read it: staff, and in public the ticket's customers. Who is
/// unknown and who may not are told apart by nobody. `known` were mentioned before.
fn check_mentions(
    w: &Write<'_>,
    comment: &Comment,
    people: &Participants,
    known: &[UserId],
) -> Result<()> {
    let mut checks = Checks::new();
    for (at, user) in comment.mentions.iter().enumerate() {
        if known.contains(user) {
            continue;
        }
        let reads = match sql::role(w, comment.tenant_id, *user)? {
            Some(role) if role.is_staff() => true,
            Some(_) => !comment.is_internal() && people.customers.contains(user),
            None => false,
        };
        checks.check(reads, &format!("mentions[{at}]"), "is nobody who may read this comment");
    }
    checks.done()
}
