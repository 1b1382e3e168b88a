//! What happens when an account is made, changed or deleted: the row, the event, and who has to
//! sign in again.

use super::{Edit, Hand, New, User, sql};
use crate::{
    agents,
    auth::{self, Role},
    calls,
    db::{OnUnique, Say, Write},
    erasure,
    error::{Error, OrNotFound, Result},
    event::{Kind, changes::Changes},
    http::{Core, patch::check_version},
    hub::Close,
    id::{SessionId, UserId},
    notifications::{self, Notice, Reason, RelatedType, Type, words},
    teams, webhooks,
};
use serde_json::value::to_raw_value;

/// What a change means for the sign-ins and sockets of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Nothing.
    Nothing,
    /// What is remembered of the account is no longer true.
    Forget,
    /// Sockets are closed with 4001 but for those of one sign-in: what they were admitted with, a
    /// role or a password, has changed.
    Readmit(Option<SessionId>),
    /// Sockets are closed with 4003: the account is closed.
    Disabled,
}

/// An account after a change.
#[derive(Debug)]
pub struct Changed {
    /// As it is now.
    pub user: User,
    /// What follows for its sign-ins and sockets.
    pub after: After,
}

impl Changed {
    /// Lets the sign-ins and sockets follow as soon as the transaction is committed.
    pub fn follow(&self, core: &Core, w: &mut Write<'_>) {
        let (core, after) = (core.clone(), self.after);
        let (tenant, user) = (self.user.tenant_id, self.user.id);
        if after == After::Nothing {
            return;
        }
        w.after_commit(move || {
            core.sessions.forget_user(user);
            let (why, keep) = match after {
                After::Nothing | After::Forget => return,
                After::Readmit(keep) => (Close::Unauthorized, keep),
                After::Disabled => (Close::Disabled, None),
            };
            // Sockets without a sign-in belong to tokens, which have roles and ends of their own.
            core.hub.close_where(why, |s| {
                s.who.tenant == tenant
                    && s.who.user == user
                    && s.session.is_some_and(|session| Some(session) != keep)
            });
        });
    }
}

/// Makes an account.
///
/// # Errors
/// 409 `email_taken`; 403 for a program that would make an administrator.
pub fn create(w: &mut Write<'_>, hand: &Hand, new: &New, hash: Option<&str>) -> Result<User> {
    hand.may_touch(new.role, new.role, false)?;
    insert(w, hand, new, hash, false)
}

/// Makes an account that may also make tenants.
///
/// # Errors
/// 409 `email_taken`.
pub(crate) fn create_system_admin(
    w: &mut Write<'_>,
    hand: &Hand,
    new: &New,
    hash: &str,
) -> Result<User> {
    insert(w, hand, new, Some(hash), true)
}

fn insert(
    w: &mut Write<'_>,
    hand: &Hand,
    new: &New,
    hash: Option<&str>,
    is_system_admin: bool,
) -> Result<User> {
    let user = User {
        id: UserId::new(w.now),
        tenant_id: hand.tenant,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
        deleted_at: None,
        email: new.email.clone(),
        name: new.name.clone(),
        role: new.role,
        is_active: true,
        phone: new.phone.clone(),
        extension: new.extension.clone(),
        locale: new.locale.clone(),
        timezone: new.timezone.clone(),
        last_login_at: None,
        is_system_admin,
    };
    sql::insert(w, &user, hash).on_unique(EMAIL, email_taken)?;
    let said = w.say(Say::new(hand.tenant, Kind::UserCreated, &user)?.by(hand.actor.clone()))?;
    tell(w, hand, (Type::UserCreated, words::user_created), &user, said.seq)?;
    Ok(user)
}

/// Changes an account. `hash` is of the new password, where one is set.
///
/// # Errors
/// 404 for one that is deleted or another tenant's, 403 for one above the hand's reach, 409
/// `version_conflict`, `email_taken` or `last_admin`.
pub fn change(
    w: &mut Write<'_>,
    hand: &Hand,
    id: UserId,
    edit: &Edit,
    hash: Option<&str>,
) -> Result<Changed> {
    let found = sql::find(w, hand.tenant, id)?;
    let before = found.filter(|user| user.deleted_at.is_none()).or_not_found("user")?;
    check_version(edit.version, before.version, &before)?;
    let mut after = edit.applied_to(&before);
    hand.may_touch(before.role, after.role, before.is_system_admin)?;
    after.is_system_admin = before.is_system_admin && after.role == Role::Admin;
    keep_an_admin(w, &before, &after)?;
    let changes = Changes::between(&before, &after)?;
    if !changes.is_empty() {
        store(w, &mut after)?;
        let say = Say::new(hand.tenant, Kind::UserUpdated, &after)?.by(hand.actor.clone());
        let said = w.say(say.changes(&changes)?)?;
        let lost_staff = before.role.is_staff() && !after.role.is_staff();
        if lost_staff || (changes.touches("is_active") && !after.is_active) {
            agents::left(w, hand.tenant, id, &hand.actor)?;
        }
        if lost_staff || !after.is_active {
            webhooks::own::withdraw(w, hand.tenant, id)?;
        }
        if lost_staff {
            // What staff are told is not for customers.
            notifications::forget(w, hand.tenant, id)?;
            webhooks::inbox::forget(w, hand.tenant, id)?;
        }
        tell(w, hand, (Type::UserUpdated, words::user_updated), &after, said.seq)?;
    }
    // A new password of their own does not throw them out of where they set it.
    let keep = (hand.actor.id == Some(id)).then_some(hand.session).flatten();
    if let Some(hash) = hash {
        sql::set_password(w, hand.tenant, id, hash)?;
        auth::sql::end_sessions_of(w, id, keep)?;
    }
    let follows = if changes.touches("is_active") && !after.is_active {
        auth::sql::end_sessions_of(w, id, None)?;
        After::Disabled
    } else if changes.touches("role") {
        After::Readmit(None)
    } else if hash.is_some() {
        After::Readmit(keep)
    } else if changes.is_empty() {
        After::Nothing
    } else {
        After::Forget
    };
    Ok(Changed { user: after, after: follows })
}

/// Deletes an account, which only closes it; `anonymise` also takes away who it was, now or for one
/// that was deleted before, and begins to take it out of all that was written down (`erasure`).
///
/// # Errors
/// 404 for another tenant's, 403 for one above the hand's reach, 409 `version_conflict` or
/// `last_admin`.
pub fn remove(
    w: &mut Write<'_>,
    hand: &Hand,
    id: UserId,
    anonymise: bool,
    based_on: Option<i64>,
) -> Result<Changed> {
    let before = sql::find(w, hand.tenant, id)?.or_not_found("user")?;
    check_version(based_on, before.version, &before)?;
    hand.may_touch(before.role, before.role, before.is_system_admin)?;
    let mut after = before.clone();
    after.deleted_at = before.deleted_at.or(Some(w.now));
    after.is_active = false;
    if anonymise {
        after.email = format!("deleted-{id}@deleted.invalid");
        after.name = erasure::NOBODY.into();
        let mut words = words_of(&before);
        words.extend(calls::words_of(w, hand.tenant, id)?);
        erasure::begin(w, hand.tenant, id, &words)?;
        (after.phone, after.extension) = (None, None);
        (after.locale, after.timezone, after.last_login_at) = (None, None, None);
    }
    keep_an_admin(w, &before, &after)?;
    let mut changes = Changes::between(&before, &after)?;
    if changes.is_empty() {
        return Ok(Changed { user: after, after: After::Nothing });
    }
    store(w, &mut after)?;
    auth::sql::end_sessions_of(w, id, None)?;
    if anonymise {
        changes.forget_old(&PERSONAL);
        sql::forget_person(w, hand.tenant, id)?;
        notifications::forget(w, hand.tenant, id)?;
        webhooks::inbox::forget(w, hand.tenant, id)?;
    }
    webhooks::own::remove(w, hand.tenant, id)?;
    sql::set_webhook_url(w, hand.tenant, id, None)?;
    teams::leave_all(w, hand.tenant, id, &hand.actor)?;
    agents::left(w, hand.tenant, id, &hand.actor)?;
    let kind = if before.deleted_at.is_none() { Kind::UserDeleted } else { Kind::UserUpdated };
    let say = Say::new(hand.tenant, kind.clone(), &after)?.by(hand.actor.clone());
    let said = w.say(say.changes(&changes)?)?;
    if kind == Kind::UserDeleted {
        tell(w, hand, (Type::UserDeleted, words::user_deleted), &after, said.seq)?;
    }
    Ok(Changed { user: after, after: After::Disabled })
}

/// By which somebody is known.
fn words_of(user: &User) -> Vec<String> {
    [Some(&user.name), Some(&user.email), user.phone.as_ref()]
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}

/// Tells the administrators of a change to an account, and whom it is about.
fn tell(
    w: &mut Write<'_>,
    hand: &Hand,
    (kind, words): (Type, fn(&str, &str) -> String),
    user: &User,
    event_seq: i64,
) -> Result<()> {
    let mut recipients: Vec<_> = sql::admins(w, hand.tenant)?
        .into_iter()
        .filter(|admin| *admin != user.id)
        .map(|admin| (admin, Reason::Administrator))
        .collect();
    if hand.actor.kind != "system" {
        // Whom the operator makes knows of it; the first administrator is nobody's news.
        recipients.push((user.id, Reason::Subject));
    }
    let notice = Notice {
        tenant: hand.tenant,
        kind,
        message: words(&user.name, &hand.actor.name),
        related_id: user.id.to_string(),
        related_type: RelatedType::User,
        actor: hand.actor.clone(),
        recipients,
        internal: false,
        entity: to_raw_value(user).map_err(Error::internal)?,
        event_seq,
    };
    notifications::notify(w, notice)?;
    Ok(())
}

/// Fields that tell who somebody is; the log of an anonymisation must not keep what they were.
const PERSONAL: [&str; 7] =
    ["email", "name", "phone", "extension", "locale", "timezone", "last_login_at"];

const EMAIL: &str = "users.tenant_id, users.email";

fn email_taken() -> Error {
    Error::conflict("email_taken", "somebody in this tenant has that e-mail address already")
}

fn store(w: &Write<'_>, user: &mut User) -> Result<()> {
    user.version += 1;
    user.updated_at = w.now;
    sql::update(w, user).on_unique(EMAIL, email_taken)
}

/// A tenant without an administrator could never be administered again, and neither could a server
/// without a system administrator.
fn keep_an_admin(w: &Write<'_>, before: &User, after: &User) -> Result<()> {
    if !before.is_active_admin() || after.is_active_admin() {
        return Ok(());
    }
    if sql::other_admins(w, before.tenant_id, before.id)? == 0 {
        return Err(Error::conflict(
            "last_admin",
            "this is the last active administrator: make another one first",
        ));
    }
    if before.is_system_admin && sql::other_system_admins(w, before.id)? == 0 {
        return Err(Error::conflict(
            "last_admin",
            "this is the last active system administrator and must stay one",
        ));
    }
    Ok(())
}
