//! Who may stand in which room, for the hub, which knows no ticket.
//!
//! `ticket:<id>` is for all who may see that ticket, `chat:<id>` for all who may see that chat.
//! `queue:<name>` and `board` are for staff.

use crate::{
    chats,
    db::Db,
    error::Result,
    event::{Envelope, Kind, Listener},
    hub::{Rights, Ruling, Verdict},
    id::EntityId,
    tickets,
};
use serde::Deserialize;

/// What stands before the id of a ticket, or a chat, in the name of its room.
const TICKET: &str = "ticket:";
const CHAT: &str = "chat:";

/// The rule, over a database.
pub(super) fn rights(db: &Db) -> Rights {
    let db = db.clone();
    let judge = move |who: Listener, topic: &str| -> Ruling {
        let (db, topic) = (db.clone(), Box::<str>::from(topic));
        Box::pin(async move { judge(&db, who, &topic).await })
    };
    Rights { judge: Box::new(judge), touched }
}

async fn judge(db: &Db, who: Listener, topic: &str) -> Result<Verdict> {
    if let Some(id) = topic.strip_prefix(CHAT) {
        return judge_chat(db, who, id).await;
    }
    let Some(id) = topic.strip_prefix(TICKET) else {
        return Ok(if who.role.is_staff() { Verdict::Allowed } else { Verdict::NotAllowed });
    };
    let Some(id) = written_as(id) else { return Ok(Verdict::NotAllowed) };
    db.read(move |r| {
        let ticket = tickets::find(r, who.tenant, id)?;
        Ok(match ticket {
            Some(ticket) if ticket.is_visible_to(&who) => Verdict::Allowed,
            // To who is not on it, a ticket that is gone and one that never was are the same.
            Some(ticket) if who.role.is_staff() || ticket.is_of_customer(who.user) => Verdict::Gone,
            Some(_) | None => Verdict::NotAllowed,
        })
    })
    .await
}

/// Only the one way to write an id, so that one ticket has one room.
fn written_as(id: &str) -> Option<EntityId> {
    id.parse::<EntityId>().ok().filter(|parsed| parsed.to_string() == id)
}

/// With whom a chat is never changes, so that nobody loses this right.
async fn judge_chat(db: &Db, who: Listener, id: &str) -> Result<Verdict> {
    let Some(id) = written_as(id) else { return Ok(Verdict::NotAllowed) };
    let found = db.read(move |r| chats::visible(r, &who, id)).await?;
    Ok(if found.is_some() { Verdict::Allowed } else { Verdict::NotAllowed })
}

/// Whatever happens to a ticket may change who is on it.
fn touched(event: &Envelope) -> Option<Box<str>> {
    #[derive(Deserialize)]
    struct Named {
        id: EntityId,
    }
    let about = matches!(
        event.kind,
        Kind::TicketUpdated | Kind::TicketDeleted | Kind::TicketMerged | Kind::TicketRestored
    );
    if !about {
        return None;
    }
    let Named { id } = serde_json::from_str(event.data.get()).ok()?;
    Some(format!("{TICKET}{id}").into())
}
