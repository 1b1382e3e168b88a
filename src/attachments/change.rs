//! Adding, renaming and deleting a file: the row, the event, and who is told. Each is one
//! transaction.

use super::{Attachment, Edit, Parent, ParentType, Received, Shown, Store, Target, sql};
use crate::{
    db::{Say, Write},
    error::{Error, OrNotFound, Result},
    event::{Kind, changes::Changes},
    http::{Caller, patch::check_version},
    id::EntityId,
    notifications::{self, Notice, RelatedType, Type, words, words::Carrier},
    tickets::{self, Hand},
};
use serde_json::value::to_raw_value;

/// Adds a file that has arrived.
///
/// # Errors
/// 403, 404 for a parent that `who` does not see, 409 `ticket_closed` or `too_many_attachments`.
pub fn add(
    w: &mut Write<'_>,
    files: &Store,
    who: &Caller,
    to: Target,
    file: &Received,
) -> Result<Shown> {
    let parent = sql::parent(w, &who.listener(), to)?.or_not_found(to.word())?;
    parent.may_take_one_more(who, sql::living(w, who.tenant, to)?.len())?;
    let added = Attachment {
        id: EntityId::new(w.now),
        tenant_id: who.tenant,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
        deleted_at: None,
        parent_type: to.kind,
        parent_id: to.id,
        filename: file.filename.clone(),
        content_type: file.content_type.to_owned(),
        size: file.size,
        sha256: file.pin.digest,
        uploaded_by: who.user,
    };
    sql::insert(w, &added)?;
    touch(w, who, &parent)?;
    let shown = added.shown(files, w.now);
    let seq = say(w, who, Kind::AttachmentAdded, (&shown, &parent), None)?;
    notify(w, who, Type::AttachmentAdded, (&shown, parent), seq)?;
    Ok(shown)
}

/// Renames a file. `change` was checked. The same name changes nothing and says nothing.
///
/// # Errors
/// 403 for others' files, 404 for what `who` does not see, 409 `version_conflict` or
/// `ticket_closed`.
pub fn rename(
    w: &mut Write<'_>,
    files: &Store,
    who: &Caller,
    id: EntityId,
    change: &Edit,
) -> Result<Shown> {
    let (before, parent) = seen(w, who, id)?;
    check_version(change.version, before.version, &before.clone().shown(files, w.now))?;
    parent.may_change(who, &before)?;
    let mut after = Attachment { filename: change.filename.clone(), ..before.clone() };
    let changes = Changes::between(&before, &after)?;
    if changes.is_empty() {
        return Ok(before.shown(files, w.now));
    }
    (after.version, after.updated_at) = (before.version + 1, w.now);
    sql::update(w, &after)?;
    touch(w, who, &parent)?;
    let shown = after.shown(files, w.now);
    let seq = say(w, who, Kind::AttachmentUpdated, (&shown, &parent), Some(&changes))?;
    notify(w, who, Type::AttachmentUpdated, (&shown, parent), seq)?;
    Ok(shown)
}

/// Deletes a file; its bytes go later, when no other file has the same.
///
/// # Errors
/// 403 for others' files, 404 for what `who` does not see, 409 `version_conflict` or
/// `ticket_closed`.
pub fn remove(
    w: &mut Write<'_>,
    files: &Store,
    who: &Caller,
    id: EntityId,
    based_on: Option<i64>,
) -> Result<Shown> {
    let (before, parent) = seen(w, who, id)?;
    check_version(based_on, before.version, &before.clone().shown(files, w.now))?;
    parent.may_change(who, &before)?;
    touch(w, who, &parent)?;
    let (shown, seq) = delete(w, files, who, &before, &parent)?;
    notify(w, who, Type::AttachmentDeleted, (&shown, parent), seq)?;
    Ok(shown)
}

/// Deletes all files of something that is about to be deleted for good. Nobody is told: they are
/// told of that.
///
/// # Errors
/// 404 for a parent that `who` does not see.
pub fn remove_all_of(w: &mut Write<'_>, files: &Store, who: &Caller, of: Target) -> Result<()> {
    let parent = sql::parent(w, &who.listener(), of)?.or_not_found(of.word())?;
    for file in sql::living(w, who.tenant, of)? {
        delete(w, files, who, &file, &parent)?;
    }
    Ok(())
}

fn delete(
    w: &mut Write<'_>,
    files: &Store,
    who: &Caller,
    before: &Attachment,
    parent: &Parent,
) -> Result<(Shown, i64)> {
    let mut after = before.clone();
    (after.version, after.updated_at, after.deleted_at) = (before.version + 1, w.now, Some(w.now));
    sql::update(w, &after)?;
    let changes = Changes::between(before, &after)?;
    let shown = after.shown(files, w.now);
    let seq = say(w, who, Kind::AttachmentDeleted, (&shown, parent), Some(&changes))?;
    let (store, digest) = (files.clone(), before.sha256);
    w.after_commit(move || store.loosen(digest));
    Ok((shown, seq))
}

fn seen(w: &Write<'_>, who: &Caller, id: EntityId) -> Result<(Attachment, Parent)> {
    sql::visible(w, &who.listener(), id)?.or_not_found("attachment")
}

/// Staff's lists by activity notice a file.
fn touch(w: &mut Write<'_>, who: &Caller, parent: &Parent) -> Result<()> {
    match parent.ticket {
        Some(ticket) => tickets::touched(w, &Hand::of(who), ticket).map(|_| ()),
        None => Ok(()),
    }
}

fn say(
    w: &mut Write<'_>,
    who: &Caller,
    kind: Kind,
    (shown, parent): (&Shown, &Parent),
    changes: Option<&Changes>,
) -> Result<i64> {
    let mut say = Say::new(who.tenant, kind, shown)?
        .by(who.actor())
        .audience(parent.audience)
        .named(parent.named.clone());
    if let Some(subject) = parent.ticket.or(parent.chat) {
        say = say.subject(subject);
    }
    if let Some(changes) = changes {
        say = say.changes(changes)?;
    }
    Ok(w.say(say)?.seq)
}

fn notify(
    w: &mut Write<'_>,
    who: &Caller,
    kind: Type,
    (shown, parent): (&Shown, Parent),
    event_seq: i64,
) -> Result<()> {
    if parent.recipients.is_empty() {
        return Ok(());
    }
    let internal = parent.is_internal();
    let on = match parent.target.kind {
        ParentType::KbArticle => Carrier::Article(&parent.title),
        ParentType::Ticket | ParentType::Comment | ParentType::ChatMessage => {
            Carrier::Ticket(&parent.title)
        }
    };
    let words = match kind {
        Type::AttachmentAdded => words::attachment_added,
        Type::AttachmentUpdated => words::attachment_updated,
        _ => words::attachment_deleted,
    };
    let message = words(&shown.attachment.filename, on, &who.name);
    let notice = Notice {
        tenant: who.tenant,
        kind,
        message,
        related_id: shown.attachment.id.to_string(),
        related_type: RelatedType::Attachment,
        actor: who.actor(),
        recipients: parent.recipients,
        internal,
        entity: to_raw_value(shown).map_err(Error::internal)?,
        event_seq,
    };
    notifications::notify(w, notice).map(|_| ())
}
