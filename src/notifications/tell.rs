//! Telling: who of those named is told, in one notification each, and what is said and owed.

use super::{
    Notice, Notification, OWN_ACTIONS, Reason, RelatedType,
    sql::{self, Recipient},
    words,
};
use crate::{
    db::{Say, Write},
    error::Result,
    event::{Audience, Kind, Room},
    id::{EntityId, TenantId, UserId},
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::{HashMap, hash_map::Entry};

/// Notifications kept a user; older ones go.
pub(super) const KEPT: i64 = 1_000;

/// Old ones are looked for once in so many notifications of a user.
const PRUNED_EVERY: i64 = 64;

/// Tells each recipient about the event, if they were not told of it before.
///
/// Dropped are who did it (unless they chose `own_actions`), inactive accounts, customers when the
/// notice is internal, and whoever switched its type off. Returns how many were told.
///
/// # Errors
/// When the database refuses; the job should then fail as a whole.
pub fn notify(w: &mut Write<'_>, notice: Notice) -> Result<usize> {
    notify_many(w, vec![notice])
}

/// Tells about many changes made at once. Returns how many people were told.
///
/// Whoever would hear of more than one gets a single summary, of the kind that most of them are.
///
/// # Errors
/// When the database refuses; the job should then fail as a whole.
#[allow(clippy::needless_pass_by_value, reason = "the callers have no use for it afterwards")]
pub fn notify_many(w: &mut Write<'_>, notices: Vec<Notice>) -> Result<usize> {
    let mut told = 0;
    for hearer in hearers(w, &notices)? {
        let Some((notice, reason)) = hearer.foremost() else { continue };
        let message = match hearer.heard.len() {
            1 => notice.message.clone(),
            count => words::summary(notice.kind, count, &notice.actor.name),
        };
        // A summary stands for the newest event, so that it cannot be told twice either.
        let seqs = hearer.heard.iter().map(|(notice, _)| notice.event_seq);
        let event_seq = seqs.max().unwrap_or(notice.event_seq);
        let notification = Notification {
            id: EntityId::new(w.now),
            tenant_id: notice.tenant,
            version: 1,
            created_at: w.now,
            updated_at: w.now,
            deleted_at: None,
            user_id: hearer.user,
            kind: notice.kind,
            message,
            related_id: notice.related_id.clone(),
            related_type: notice.related_type,
            actor_id: notice.actor.id,
            actor_name: notice.actor.id.map(|_| notice.actor.name.clone()),
            reason,
            why: words::why(reason),
            event_seq,
            read_at: None,
        };
        told += usize::from(tell(w, notice, &notification)?);
    }
    Ok(told)
}

/// Somebody who is told, and of what.
struct Hearer<'a> {
    user: UserId,
    heard: Vec<(&'a Notice, Reason)>,
}

impl<'a> Hearer<'a> {
    /// The notice whose kind they hear most often; the first of them.
    fn foremost(&self) -> Option<(&'a Notice, Reason)> {
        let often = |notice: &Notice| {
            self.heard.iter().filter(|(other, _)| other.kind == notice.kind).count()
        };
        // `max_by_key` answers the last of equals, and the first is wanted.
        self.heard.iter().rev().copied().max_by_key(|(notice, _)| often(notice))
    }
}

/// Who is told what, in the order in which they are named.
fn hearers<'a>(w: &Write<'_>, notices: &'a [Notice]) -> Result<Vec<Hearer<'a>>> {
    let mut known: HashMap<(TenantId, UserId), (Option<Recipient>, usize)> = HashMap::new();
    let mut hearers: Vec<Hearer<'a>> = Vec::new();
    for notice in notices {
        for (user, reason) in &notice.recipients {
            let (recipient, at) = match known.entry((notice.tenant, *user)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    hearers.push(Hearer { user: *user, heard: Vec::new() });
                    let recipient = sql::recipient(w, notice.tenant, *user)?;
                    new.insert((recipient, hearers.len() - 1))
                }
            };
            let Some(recipient) = recipient else { continue };
            let Some(hearer) = hearers.get_mut(*at) else { continue };
            let again = hearer.heard.iter().any(|(other, _)| std::ptr::eq(*other, notice));
            if !again && recipient.is_told(*user, notice) {
                hearer.heard.push((notice, *reason));
            }
        }
    }
    Ok(hearers)
}

impl Recipient {
    fn is_told(&self, user: UserId, notice: &Notice) -> bool {
        let chose = |name: &str, unless: bool| self.prefs.get(name).copied().unwrap_or(unless);
        (notice.actor.id != Some(user) || chose(OWN_ACTIONS, false))
            && (!notice.internal || self.role.is_staff())
            && chose(notice.kind.name(), true)
    }
}

/// Stores a notification and says it to its user; false when they were told of that event before.
fn tell(w: &mut Write<'_>, notice: &Notice, notification: &Notification) -> Result<bool> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(flatten)]
        notification: &'a Notification,
        entity: &'a RawValue,
    }
    let user = notification.user_id;
    let Some(number) = sql::insert(w, notification)? else { return Ok(false) };
    if number % PRUNED_EVERY == 0 {
        sql::prune(w, user, number - KEPT)?;
    }
    let told = Told { notification, entity: &notice.entity };
    let mut say = Say::new(notice.tenant, Kind::NotificationCreated, &told)?
        .by(notice.actor.clone())
        .audience(Audience::User(user))
        .room(Room::User(user));
    if notice.related_type == RelatedType::Webhook {
        // Or a failing webhook would be told of its failures.
        say = say.by_no_webhook();
    }
    w.say(say)?;
    Ok(true)
}
