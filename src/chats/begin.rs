//! Beginning a chat: a customer or a visitor with the house, or staff with a customer.

use super::{
    Chat, OPEN_MAX, Status,
    messages::{self, Draft},
    rule, settings, sql, tell,
};
use crate::{
    db::Write,
    error::{Checks, Error, Result},
    event::{Actor, Kind, changes::Changes},
    http::Caller,
    id::{EntityId, TenantId, UserId},
    teams,
};
use serde::{Deserialize, Serialize};

/// A chat to be begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// The first message.
    pub body: String,
    /// The sender's own id of it.
    pub client_msg_id: Option<String>,
    /// With whom; staff must say, customers are it themselves.
    pub customer_id: Option<UserId>,
    /// The team it is for; that of the settings unless said.
    pub team_id: Option<EntityId>,
}

impl New {
    /// Checks every field.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(self) -> Result<Self> {
        let mut checks = Checks::new();
        messages::check_body(&mut checks, &self.body);
        messages::check_client_msg_id(&mut checks, self.client_msg_id.as_deref());
        checks.done()?;
        Ok(self)
    }
}

/// Begins a chat. `new` was checked.
///
/// # Errors
/// 403 for a customer who names another one, 409 `too_many_chats`, 422 for people and teams that
/// are not the tenant's.
pub fn begin(w: &mut Write<'_>, who: &Caller, new: &New) -> Result<Chat> {
    let is_staff = who.role.is_staff();
    let customer = match new.customer_id {
        Some(user) if !is_staff && user != who.user => {
            return Err(Error::Forbidden("customers begin chats for themselves only"));
        }
        Some(user) => user,
        None if is_staff => return Err(Error::field("customer_id", "is required: with whom?")),
        None => who.user,
    };
    if is_staff && sql::account(w, who.tenant, customer)? != Some(false) {
        return Err(Error::field("customer_id", "is no active customer here"));
    }
    if sql::open_count(w, who.tenant, customer)? >= OPEN_MAX {
        let why = format!("there are {OPEN_MAX} chats under way already: close one");
        return Err(Error::conflict("too_many_chats", why));
    }
    let mut chat = drafted(w, who.tenant, new.team_id)?;
    chat.customer_id = Some(customer);
    if is_staff {
        (chat.status, chat.assignee_id) = (Status::Pending, Some(who.user));
    }
    let draft = Draft { body: new.body.clone(), client_msg_id: new.client_msg_id.clone() };
    begun(w, who, chat, &draft)
}

/// A chat with nobody yet, for a team of the tenant or the one of its settings.
pub(super) fn drafted(w: &Write<'_>, tenant: TenantId, team: Option<EntityId>) -> Result<Chat> {
    let team = match team {
        Some(id) if teams::find(w, tenant, id)?.is_none() => {
            return Err(Error::field("team_id", "is no team here"));
        }
        Some(id) => Some(id),
        None => settings::team(w, tenant)?,
    };
    Ok(Chat {
        id: EntityId::new(w.now),
        tenant_id: tenant,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
        deleted_at: None,
        status: Status::Open,
        customer_id: None,
        visitor_id: None,
        visitor_name: None,
        visitor_email: None,
        name: String::new(),
        assignee_id: None,
        team_id: team,
        ticket_id: None,
        message_count: 0,
        last_message_at: w.now,
        closed_at: None,
    })
}

/// Stores a drafted chat with its first message, says both, and gives it to somebody.
pub(super) fn begun(
    w: &mut Write<'_>,
    who: &Caller,
    mut chat: Chat,
    first: &Draft,
) -> Result<Chat> {
    let giver: Option<Actor> = rule::by_rule(w, &mut chat)?;
    let mut chat = sql::insert(w, &chat)?;
    let message = messages::add(w, who, &mut chat, first)?;
    sql::update(w, &chat)?;
    let actor = who.actor();
    tell::of_chat(w, &actor, Kind::ChatCreated, &chat, None)?;
    let said = tell::of_message(w, &actor, Kind::ChatMessage, (&chat, &message), None)?;
    if let Some(giver) = giver {
        let unassigned = Chat { assignee_id: None, ..chat.clone() };
        let changes = Changes::between(&unassigned, &chat)?;
        let seq = tell::of_chat(w, &giver, Kind::ChatAssigned, &chat, Some(&changes))?;
        tell::assigned(w, &giver, &chat, seq)?;
    } else {
        tell::written(w, &actor, (&chat, &message), said)?;
    }
    Ok(chat)
}
