//! What is told of an endpoint: events for sockets and other webhooks, and notifications for those
//! who look after it. Neither ever goes to the endpoint that it speaks of.

use super::{Attempted, Health, sql};
use crate::{
    db::{Say, Write},
    error::Result,
    event::{Actor, Audience, Kind, Room},
    id::{TenantId, UserId},
    notifications::{self, Notice, Reason, RelatedType, Type, words},
    time, users,
};
use serde_json::{json, value::to_raw_value};

/// The endpoint spoken of.
#[derive(Debug)]
pub(in crate::webhooks) struct About {
    pub(super) id: i64,
    pub(super) tenant: TenantId,
    /// Whose own it is, where it is not the tenant's.
    pub(super) user: Option<UserId>,
    pub(super) name: String,
    pub(super) is_active: bool,
    pub(super) reason: Option<String>,
    /// Who switched it off, where that was a person.
    pub(super) by: Option<Actor>,
    pub(super) streak: u32,
    pub(super) failing_since: Option<i64>,
    pub(super) last_status: Option<u16>,
    pub(super) last_error: Option<String>,
}

/// What is told.
#[derive(Debug, Clone, Copy)]
pub(in crate::webhooks) enum What {
    /// It fails again and again.
    Failing,
    /// It works again.
    Recovered,
    /// So many per cent of the way to being switched off are gone.
    Warning(i64),
    /// It was switched off.
    Disabled,
    /// One delivery was tried for the last time.
    Exhausted { delivery: i64, attempts: u32 },
    /// So many of its oldest deliveries expired.
    Backlog(i64),
}

impl About {
    /// An attempt came to this.
    pub(super) fn attempted(&mut self, done: &Attempted, health: &Health) {
        (self.streak, self.failing_since) = (health.streak, health.failing_since);
        self.last_status = done.outcome.result.as_ref().ok().copied();
        self.last_error = done.error();
    }

    /// It was switched off by itself.
    pub(super) fn switched_off(&mut self, reason: &str) {
        (self.is_active, self.reason) = (false, Some(reason.to_owned()));
    }

    /// A person switched it off.
    pub(in crate::webhooks) fn paused_by(&mut self, actor: &Actor) {
        self.switched_off("person");
        self.by = Some(actor.clone());
    }
}

impl What {
    fn kind(self) -> Kind {
        match self {
            Self::Failing => Kind::WebhookFailing,
            Self::Recovered => Kind::WebhookRecovered,
            Self::Warning(_) => Kind::WebhookWarning,
            Self::Disabled => Kind::WebhookDisabled,
            Self::Exhausted { .. } => Kind::WebhookExhausted,
            Self::Backlog(_) => Kind::WebhookBacklog,
        }
    }

    /// What people are notified of, and not only shown.
    fn notifies(self) -> Option<Type> {
        match self {
            Self::Failing | Self::Warning(_) | Self::Backlog(_) => Some(Type::WebhookFailing),
            Self::Disabled => Some(Type::WebhookDisabled),
            Self::Recovered | Self::Exhausted { .. } => None,
        }
    }

    fn message(self, about: &About) -> String {
        let name = &about.name;
        match self {
            Self::Failing => words::webhook_failing(name, about.streak),
            Self::Recovered => words::webhook_recovered(name),
            Self::Warning(percent) => words::webhook_warning(name, percent),
            Self::Exhausted { attempts, .. } => words::webhook_exhausted(name, attempts),
            Self::Backlog(expired) => words::webhook_backlog(name, expired),
            Self::Disabled => {
                let by = about.by.as_ref().map(|actor| actor.name.as_str());
                words::webhook_disabled(name, about.reason.as_deref(), by)
            }
        }
    }
}

/// Tells it to the tenant's staff, or to whoever's own endpoint it is.
pub(in crate::webhooks) fn tell(w: &mut Write<'_>, about: &About, what: What) -> Result<()> {
    let message = what.message(about);
    let [waiting, held, expired] = sql::owed(w, about.id)?;
    // What waits is held in a moment.
    let (waiting, held) = if about.is_active { (waiting, held) } else { (0, waiting + held) };
    let (delivery, attempts) = match what {
        What::Exhausted { delivery, attempts } => (Some(delivery), Some(attempts)),
        _ => (None, None),
    };
    let data = json!({
        "webhook_id": about.id,
        "name": about.name,
        "message": message,
        "is_active": about.is_active,
        "reason": about.reason,
        "consecutive_failures": about.streak,
        "failing_since": about.failing_since.map(time::rfc3339),
        "last_status": about.last_status,
        "last_error": about.last_error,
        "waiting": waiting,
        "held": held,
        "expired": expired,
        "delivery_id": delivery,
        "attempts": attempts,
    });
    let actor = about.by.clone().unwrap_or_else(Actor::system);
    let mut say =
        Say::new(about.tenant, what.kind(), &data)?.by(actor.clone()).except_endpoint(about.id);
    if let Some(user) = about.user {
        say = say.audience(Audience::User(user)).room(Room::User(user));
    }
    let said = w.say(say)?;
    let Some(kind) = what.notifies() else { return Ok(()) };
    let recipients = match about.user {
        Some(user) => vec![(user, Reason::Subject)],
        None => {
            let all = users::sql::admins(w, about.tenant)?;
            all.into_iter().map(|admin| (admin, Reason::Administrator)).collect()
        }
    };
    notifications::notify(
        w,
        Notice {
            tenant: about.tenant,
            kind,
            message,
            related_id: about.id.to_string(),
            related_type: RelatedType::Webhook,
            actor,
            recipients,
            internal: about.user.is_none(),
            entity: to_raw_value(&data).map_err(crate::error::Error::internal)?,
            event_seq: said.seq,
        },
    )?;
    Ok(())
}
