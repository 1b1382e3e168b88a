//! Making a ticket of a chat, or saying which ticket it is about.

use super::{Chat, change, messages, sql};
use crate::{
    db::Write,
    error::{Error, OrNotFound as _, Result},
    http::Caller,
    id::{EntityId, UserId},
    tickets::{self, Channel, Hand, Priority, Shown},
};
use serde::{Deserialize, Serialize};

/// What is put into a ticket of what was said, bytes: the newest of it, so that it fits beside the
/// names.
const TRANSCRIPT_MAX: usize = 48 << 10;

/// Messages that are looked at for it.
const TRANSCRIPT_MESSAGES: i64 = 500;

/// Which ticket, or what a new one is to be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// A ticket that is there already; then nothing else is said.
    pub ticket_id: Option<EntityId>,
    /// What the new one is about; the beginning of the first message unless said.
    pub subject: Option<String>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// Whose matter it is; the customer's unless said, for a visitor the caller's.
    pub requester_id: Option<UserId>,
}

impl Asked {
    /// Checks that it asks for one of the two.
    ///
    /// # Errors
    /// 422.
    pub fn checked(self) -> Result<Self> {
        let more = self.subject.is_some() || self.priority.is_some() || self.requester_id.is_some();
        if self.ticket_id.is_some() && more {
            return Err(Error::field("ticket_id", "goes with nothing that describes a new one"));
        }
        Ok(self)
    }
}

/// A chat and its ticket.
#[derive(Debug, Serialize)]
pub struct WithTicket {
    /// The chat, which names the ticket now.
    pub chat: Chat,
    /// The ticket.
    pub ticket: Shown,
}

/// Links a chat to a ticket, or makes one of it.
///
/// # Errors
/// 404 for a chat or a ticket that is not there, 409 `ticket_linked`, 422.
pub fn ticket(w: &mut Write<'_>, who: &Caller, id: EntityId, asked: &Asked) -> Result<WithTicket> {
    let before = sql::seen(w, &who.listener(), id)?;
    if before.ticket_id.is_some() {
        return Err(Error::conflict("ticket_linked", "this chat has a ticket already"));
    }
    let ticket = match asked.ticket_id {
        Some(ticket) => tickets::visible(w, &who.listener(), ticket)?.or_not_found("ticket")?,
        None => {
            let new = drafted(w, &before, asked)?;
            tickets::create(w, &Hand::of(who), &new.checked()?)?
        }
    };
    let after = Chat { ticket_id: Some(ticket.id), ..before.clone() };
    let chat = change::save(w, &who.actor(), &before, after)?;
    Ok(WithTicket { chat, ticket: ticket.shown_to(&who.listener()) })
}

fn drafted(w: &Write<'_>, chat: &Chat, asked: &Asked) -> Result<tickets::New> {
    let said = messages::sql::list(
        w,
        (chat.tenant_id, chat.id),
        messages::sql::Part::Before(chat.message_count + 1, TRANSCRIPT_MESSAGES),
    )?;
    let living: Vec<_> = said.iter().filter(|message| message.deleted_at.is_none()).collect();
    let first = living.first().map(|message| message.body.as_str()).unwrap_or_default();
    let subject = asked.subject.clone().unwrap_or_else(|| headline(first, &chat.name));
    let mut lines: Vec<String> = Vec::new();
    let mut length = 0;
    for message in living.iter().rev() {
        let line = format!("{}: {}", message.author_name, message.body);
        length += line.len() + 1;
        if length > TRANSCRIPT_MAX {
            break;
        }
        lines.push(line);
    }
    lines.reverse();
    Ok(tickets::New {
        subject,
        description: lines.join("\n"),
        priority: asked.priority,
        channel: Some(Channel::Chat),
        requester_id: asked.requester_id.or(chat.customer_id),
        team_id: chat.team_id,
        chat_id: Some(chat.id),
        ..tickets::New::default()
    })
}

/// The first line of what was said first, cut short.
fn headline(first: &str, name: &str) -> String {
    /// Longest, characters.
    const MAX: usize = 80;
    let line = first.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(MAX) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None if line.is_empty() => format!("Chat with {name}"),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_is_one_line_and_never_empty_or_long() {
        let long = "ü".repeat(300);
        let table = [
            ("  \n Hello there \nmore", String::from("Hello there")),
            ("", String::from("Chat with Zoe")),
            ("\u{7}", String::from("Chat with Zoe")),
            (&long, format!("{}…", "ü".repeat(80))),
        ];
        for (first, expected) in table {
            assert_eq!(headline(first, "Zoe"), expected, "{first:?}");
        }
    }
}
