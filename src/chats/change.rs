//! What becomes of a chat: who talks in it, whose turn it is, its end. Each is one transaction, and
//! what changes nothing stores nothing and says nothing.

use super::{Chat, Status, closed, rule, sql, tell};
use crate::{
    db::Write,
    error::{Error, Result},
    event::{Actor, Kind, changes::Changes},
    http::{Caller, patch::check_version},
    id::{EntityId, UserId},
    teams,
};

/// To whom a chat is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// To one of staff.
    Agent(UserId),
    /// To a team, whose rule finds somebody or lets it wait.
    Team(EntityId),
}

/// Gives a chat to one of staff, or with `None` to nobody.
///
/// # Errors
/// 404, 409 `version_conflict` or `chat_closed`, 422 for who is not staff here.
pub fn assign(
    w: &mut Write<'_>,
    who: &Caller,
    id: EntityId,
    (assignee, based_on): (Option<UserId>, Option<i64>),
) -> Result<Chat> {
    let before = seen(w, who, id, based_on)?;
    not_closed(&before)?;
    if let Some(user) = assignee {
        check_staff(w, who, user)?;
    }
    let after = Chat { assignee_id: assignee, ..before.clone() };
    save(w, &who.actor(), &before, after)
}

/// Passes a chat on.
///
/// # Errors
/// As [`assign`], and 422 for what is no team here.
pub fn transfer(
    w: &mut Write<'_>,
    who: &Caller,
    id: EntityId,
    (to, based_on): (To, Option<i64>),
) -> Result<Chat> {
    let before = seen(w, who, id, based_on)?;
    not_closed(&before)?;
    let mut after = before.clone();
    let mut giver = who.actor();
    match to {
        To::Agent(user) => {
            check_staff(w, who, user)?;
            after.assignee_id = Some(user);
        }
        To::Team(team) => {
            if teams::find(w, who.tenant, team)?.is_none() {
                return Err(Error::field("team_id", "is no team here"));
            }
            (after.team_id, after.assignee_id) = (Some(team), None);
            if let Some(rule) = rule::by_rule(w, &mut after)? {
                giver = rule;
            }
        }
    }
    save(w, &giver, &before, after)
}

/// Says whose turn it is, where the order of messages does not tell.
///
/// # Errors
/// 404, 409 `version_conflict` or `chat_closed`.
pub fn mark(
    w: &mut Write<'_>,
    who: &Caller,
    id: EntityId,
    (status, based_on): (Status, Option<i64>),
) -> Result<Chat> {
    let before = seen(w, who, id, based_on)?;
    not_closed(&before)?;
    let after = Chat { status, ..before.clone() };
    save(w, &who.actor(), &before, after)
}

/// Ends a chat: staff may, and whoever it is with.
///
/// # Errors
/// 404, 409 `version_conflict`.
pub fn close(w: &mut Write<'_>, who: &Caller, id: EntityId, based_on: Option<i64>) -> Result<Chat> {
    let before = seen(w, who, id, based_on)?;
    if before.is_closed() {
        return Ok(before);
    }
    let after = Chat { status: Status::Closed, closed_at: Some(w.now), ..before.clone() };
    save(w, &who.actor(), &before, after)
}

/// Opens a chat again that was closed.
///
/// # Errors
/// 404, 409 `version_conflict`.
pub fn reopen(
    w: &mut Write<'_>,
    who: &Caller,
    id: EntityId,
    based_on: Option<i64>,
) -> Result<Chat> {
    let before = seen(w, who, id, based_on)?;
    if !before.is_closed() {
        return Ok(before);
    }
    let after = Chat { status: Status::Open, closed_at: None, ..before.clone() };
    save(w, &who.actor(), &before, after)
}

/// Stores a chat as it should be, if that is any different, and says what that amounts to.
pub(super) fn save(
    w: &mut Write<'_>,
    actor: &Actor,
    before: &Chat,
    mut after: Chat,
) -> Result<Chat> {
    let changes = Changes::between(before, &after)?;
    if changes.is_empty() {
        return Ok(after);
    }
    bump(w, &mut after)?;
    let kind = match (before.is_closed(), after.is_closed()) {
        (false, true) => Kind::ChatClosed,
        (true, false) => Kind::ChatReopened,
        _ if changes.touches("assignee_id") && after.assignee_id.is_some() => Kind::ChatAssigned,
        _ => Kind::ChatUpdated,
    };
    let is_assigned = kind == Kind::ChatAssigned;
    let seq = tell::of_chat(w, actor, kind, &after, Some(&changes))?;
    if is_assigned {
        tell::assigned(w, actor, &after, seq)?;
    }
    Ok(after)
}

/// Stores the next version of a chat.
pub(super) fn bump(w: &Write<'_>, after: &mut Chat) -> Result<()> {
    after.version += 1;
    after.updated_at = w.now;
    sql::update(w, after)
}

fn seen(w: &Write<'_>, who: &Caller, id: EntityId, based_on: Option<i64>) -> Result<Chat> {
    let chat = sql::seen(w, &who.listener(), id)?;
    check_version(based_on, chat.version, &chat)?;
    Ok(chat)
}

fn not_closed(chat: &Chat) -> Result<()> {
    if chat.is_closed() { Err(closed()) } else { Ok(()) }
}

fn check_staff(w: &Write<'_>, who: &Caller, user: UserId) -> Result<()> {
    match sql::account(w, who.tenant, user)? {
        Some(true) => Ok(()),
        _ => Err(Error::field("assignee_id", "must be active staff")),
    }
}
