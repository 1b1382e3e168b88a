//! Macros: an answer with gaps to fill, and the changes that go with it.

use super::sql;
use crate::{
    db::Write,
    error::{Checks, OrNotFound, Result},
    event::Listener,
    id::EntityId,
    tickets::{Edit, Hand, Shown, Ticket, change, sla},
    users,
};
use serde::{Deserialize, Serialize};

/// Longest text, bytes: that of a comment.
const TEXT_MAX: usize = 64 << 10;

/// What may stand between `{{` and `}}` in a text.
const GAPS: [&str; 6] = [
    "ticket.number",
    "ticket.subject",
    "ticket.status",
    "requester.name",
    "requester.email",
    "agent.name",
];

/// A macro.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Macro {
    /// What it is called.
    pub name: String,
    /// The answer, with gaps such as `{{requester.name}}`; may be empty.
    #[serde(default)]
    pub text: String,
    /// What changes on the ticket, as in `PATCH /tickets/{id}`.
    #[serde(default)]
    pub changes: Edit,
}

impl Macro {
    pub(super) fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        self.name = sla::name(&mut checks, &self.name);
        checks.check(self.text.len() <= TEXT_MAX, "text", "must have at most 65536 bytes");
        for gap in gaps(&self.text).filter(|gap| !GAPS.contains(gap)) {
            let allowed = GAPS.map(|gap| format!("{{{{{gap}}}}}")).join(", ");
            checks.fail("text", format!("has {{{{{gap}}}}}, but only {allowed} can be filled in"));
        }
        let idle = self.text.trim().is_empty() && self.changes == Edit::default();
        checks.check(!idle, "changes", "must change something, or text must say something");
        let versioned = self.changes.version.is_some();
        checks.check(!versioned, "changes.version", "has no meaning in a macro");
        checks.done()?;
        self.changes = self.changes.checked()?;
        Ok(self)
    }
}

/// What stands between `{{` and `}}`, in order.
fn gaps(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split("{{").skip(1);
    after.filter_map(|rest| rest.split_once("}}").map(|(gap, _)| gap.trim()))
}

/// The text with its gaps filled. What is filled in is text: gaps in it stay as they are.
fn filled<'a>(text: &str, fill: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut parts = text.split("{{");
    let mut done = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let filled = part.split_once("}}").and_then(|(gap, rest)| Some((fill(gap.trim())?, rest)));
        match filled {
            Some((value, rest)) => {
                done.push_str(value);
                done.push_str(rest);
            }
            None => {
                done.push_str("{{");
                done.push_str(part);
            }
        }
    }
    done
}

/// A ticket after a macro, and the answer that it suggests.
#[derive(Debug, Serialize)]
pub struct Applied {
    /// As it is now.
    pub ticket: Shown,
    /// The text for a comment, ready to be read over and sent.
    pub text: String,
}

/// Makes a macro's changes to a ticket and fills in its text. The answer is not sent: whoever
/// applies it reads it first.
///
/// # Errors
/// 404 for a ticket or macro that the hand does not see, and what a change of a ticket may say.
pub fn apply(
    w: &mut Write<'_>,
    (hand, who): (&Hand, &Listener),
    ticket: EntityId,
    which: EntityId,
) -> Result<Applied> {
    let kept = sql::seen::<Macro>(w, who, which)?.or_not_found("macro")?;
    let ticket = change(w, hand, ticket, &kept.body.changes)?;
    let text = text_for(w, hand, &ticket, &kept.body.text)?;
    Ok(Applied { ticket: ticket.shown_to(who), text })
}

fn text_for(w: &Write<'_>, hand: &Hand, ticket: &Ticket, text: &str) -> Result<String> {
    let requester = users::sql::find(w, ticket.tenant_id, ticket.requester_id)?;
    let (name, email) = requester.map(|user| (user.name, user.email)).unwrap_or_default();
    let number = ticket.number.to_string();
    Ok(filled(text, |gap| match gap {
        "ticket.number" => Some(number.as_str()),
        "ticket.subject" => Some(ticket.subject.as_str()),
        "ticket.status" => Some(ticket.status.name()),
        "requester.name" => Some(name.as_str()),
        "requester.email" => Some(email.as_str()),
        "agent.name" => Some(hand.actor.name.as_str()),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(fields: serde_json::Value) -> Result<Macro> {
        serde_json::from_value::<Macro>(fields).unwrap().checked()
    }

    /// What is filled in is never filled in again.
    #[test]
    fn gaps_are_filled_once() {
        let fill = |gap: &str| match gap {
            "a" => Some("{{b}}"),
            "b" => Some("B"),
            _ => None,
        };
        assert_eq!(filled("{{a}} {{ b }} {{c}} {{", fill), "{{b}} B {{c}} {{");
        assert_eq!(filled("", fill), "");
    }

    #[test]
    fn a_macro_does_something_and_has_only_gaps_that_can_be_filled() {
        assert!(checked(json!({ "name": "Hello", "text": "Hello {{requester.name}}" })).is_ok());
        assert!(checked(json!({ "name": "Close", "changes": { "status": "closed" } })).is_ok());
        assert!(checked(json!({ "name": "Nothing" })).is_err());
        assert!(checked(json!({ "name": "Bad", "text": "{{secret}}" })).is_err());
    }
}
