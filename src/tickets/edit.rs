//! What a client may send to open or change a ticket, checked field by field.

use super::{
    ticket::Ticket,
    words::{Channel, Moment, Priority, Status},
};
use crate::{
    error::{Checks, Result},
    http::patch,
    id::{EntityId, UserId},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Longest subject, characters.
const SUBJECT_MAX: usize = 255;

/// Longest description, bytes.
const DESCRIPTION_MAX: usize = 64 << 10;

/// Largest `custom`, bytes of JSON.
const CUSTOM_MAX: usize = 16 << 10;

/// Deepest `custom`, levels: far from the 128 that readers of JSON take, in which events, changes
/// and notifications wrap it.
const CUSTOM_DEPTH_MAX: usize = 32;

/// Most tags of a ticket, and the longest one, characters.
const TAGS_MAX: usize = 50;
const TAG_MAX: usize = 64;

/// Longest type, characters.
const KIND_MAX: usize = 64;

/// Most followers of a ticket.
pub(super) const FOLLOWERS_MAX: usize = 100;

/// A new ticket.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// What it is about, in one line.
    pub subject: String,
    /// What it is about.
    #[serde(default)]
    pub description: String,
    /// `normal` unless said.
    pub priority: Option<Priority>,
    /// `open` unless said.
    pub status: Option<Status>,
    /// What sort of thing it is.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// How it came in; the way it was sent unless said.
    pub channel: Option<Channel>,
    /// Whose matter it is; the sender's unless said.
    pub requester_id: Option<UserId>,
    /// Who works on it.
    pub assignee_id: Option<UserId>,
    /// The team that works on it.
    pub team_id: Option<EntityId>,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The tenant's own fields.
    #[serde(default)]
    pub custom: Map<String, Value>,
    /// Who else wants to know.
    #[serde(default)]
    pub followers: Vec<UserId>,
    /// When it should be done.
    pub due_at: Option<Moment>,
    /// The call it is opened for; set by the room of calls only.
    #[serde(skip)]
    pub call_id: Option<EntityId>,
    /// The chat it is opened for; set by the room of chats only.
    #[serde(skip)]
    pub chat_id: Option<EntityId>,
}

impl New {
    /// Checks every field, and answers them as they are stored.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        self.subject = subject(&mut checks, &self.subject);
        description(&mut checks, &self.description);
        self.kind = self.kind.and_then(|text| kind(&mut checks, &text));
        self.tags = tags(&mut checks, "tags", self.tags);
        custom(&mut checks, &self.custom);
        self.followers.sort_unstable();
        self.followers.dedup();
        checks.check(self.followers.len() <= FOLLOWERS_MAX, "followers", "must be at most 100");
        checks.done()?;
        Ok(self)
    }

    /// What only staff may decide and this one does.
    pub(super) fn for_staff_only(&self) -> Vec<&'static str> {
        let fields = [
            ("status", self.status.is_some()),
            ("channel", self.channel.is_some()),
            ("assignee_id", self.assignee_id.is_some()),
            ("tags", !self.tags.is_empty()),
            ("followers", !self.followers.is_empty()),
            ("due_at", self.due_at.is_some()),
        ];
        fields.into_iter().filter(|(_, set)| *set).map(|(field, _)| field).collect()
    }
}

/// What is to be changed about a ticket; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Another subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Another description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Another status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Another priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Another type, or `null` for none.
    #[serde(
        rename = "type",
        default,
        deserialize_with = "patch::nullable",
        skip_serializing_if = "Option::is_none"
    )]
    pub kind: Option<Option<String>>,
    /// Another requester.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requester_id: Option<UserId>,
    /// Another assignee, or `null` for nobody.
    #[serde(
        default,
        deserialize_with = "patch::nullable",
        skip_serializing_if = "Option::is_none"
    )]
    pub assignee_id: Option<Option<UserId>>,
    /// Another team, or `null` for none.
    #[serde(
        default,
        deserialize_with = "patch::nullable",
        skip_serializing_if = "Option::is_none"
    )]
    pub team_id: Option<Option<EntityId>>,
    /// All tags, in place of those it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Tags it shall have too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_tags: Vec<String>,
    /// Tags it shall no longer have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_tags: Vec<String>,
    /// The tenant's own fields, in place of those it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<Map<String, Value>>,
    /// Another due time, or `null` for none.
    #[serde(
        default,
        deserialize_with = "patch::nullable",
        skip_serializing_if = "Option::is_none"
    )]
    pub due_at: Option<Option<Moment>>,
    /// The version the change was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl Edit {
    /// Checks every field, and answers them as they are stored.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        self.subject = self.subject.map(|text| subject(&mut checks, &text));
        if let Some(text) = &self.description {
            description(&mut checks, text);
        }
        self.kind = self.kind.map(|text| text.and_then(|text| kind(&mut checks, &text)));
        self.tags = self.tags.map(|list| tags(&mut checks, "tags", list));
        self.add_tags = tags(&mut checks, "add_tags", self.add_tags);
        self.remove_tags = tags(&mut checks, "remove_tags", self.remove_tags);
        if let Some(fields) = &self.custom {
            custom(&mut checks, fields);
        }
        checks.done()?;
        Ok(self)
    }

    /// What only staff may change and this one does. Customers may correct what they wrote, and say
    /// that their matter is resolved.
    pub(super) fn for_staff_only(&self) -> Vec<&'static str> {
        let fields = [
            ("status", !matches!(self.status, None | Some(Status::Resolved))),
            ("priority", self.priority.is_some()),
            ("type", self.kind.is_some()),
            ("requester_id", self.requester_id.is_some()),
            ("assignee_id", self.assignee_id.is_some()),
            ("team_id", self.team_id.is_some()),
            ("tags", self.tags.is_some()),
            ("add_tags", !self.add_tags.is_empty()),
            ("remove_tags", !self.remove_tags.is_empty()),
            ("custom", self.custom.is_some()),
            ("due_at", self.due_at.is_some()),
        ];
        fields.into_iter().filter(|(_, set)| *set).map(|(field, _)| field).collect()
    }

    /// The ticket with these changes; the status is left to the rules of states.
    ///
    /// # Errors
    /// 422 when there would be too many tags.
    pub(super) fn applied_to(&self, ticket: &Ticket) -> Result<Ticket> {
        let mut after = ticket.clone();
        after.subject = self.subject.clone().unwrap_or(after.subject);
        after.description = self.description.clone().unwrap_or(after.description);
        after.priority = self.priority.unwrap_or(after.priority);
        after.kind = self.kind.clone().unwrap_or(after.kind);
        after.requester_id = self.requester_id.unwrap_or(after.requester_id);
        after.assignee_id = self.assignee_id.unwrap_or(after.assignee_id);
        after.team_id = self.team_id.unwrap_or(after.team_id);
        after.custom = self.custom.clone().unwrap_or(after.custom);
        after.tags = self.tags.clone().unwrap_or(after.tags);
        for tag in &self.add_tags {
            if !after.tags.contains(tag) {
                after.tags.push(tag.clone());
            }
        }
        after.tags.retain(|tag| !self.remove_tags.contains(tag));
        if let Some(due_at) = self.due_at {
            after.due_at = due_at.map(|moment| moment.0);
        }
        let mut checks = Checks::new();
        checks.check(after.tags.len() <= TAGS_MAX, "add_tags", "would be more than 50 tags");
        checks.done()?;
        Ok(after)
    }
}

fn subject(checks: &mut Checks, text: &str) -> String {
    let text = text.trim();
    match text.chars().count() {
        0 => checks.fail("subject", "must not be empty"),
        count if count > SUBJECT_MAX => {
            checks.fail("subject", format!("must have at most {SUBJECT_MAX} characters"));
        }
        _ if text.contains(char::is_control) => {
            checks.fail("subject", "must be one line of plain text");
        }
        _ => {}
    }
    text.to_owned()
}

fn description(checks: &mut Checks, text: &str) {
    let limit = format!("must have at most {DESCRIPTION_MAX} bytes");
    checks.check(text.len() <= DESCRIPTION_MAX, "description", &limit);
    checks.check(!text.contains('\0'), "description", "must not contain a NUL character");
}

fn kind(checks: &mut Checks, text: &str) -> Option<String> {
    let text = text.trim();
    let good = text.chars().count() <= KIND_MAX && !text.contains(char::is_control);
    checks.check(good, "type", "must be at most 64 characters of plain text");
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Tags without the spaces around them, each once, in the order they came.
fn tags(checks: &mut Checks, field: &str, list: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(list.len().min(TAGS_MAX));
    checks.check(list.len() <= TAGS_MAX, field, "must be at most 50 tags");
    for (at, tag) in list.into_iter().enumerate().take(TAGS_MAX) {
        let tag = tag.trim();
        let plain = !tag.contains(',') && !tag.contains(char::is_control);
        if tag.is_empty() || !plain || tag.chars().count() > TAG_MAX {
            let rule = "must be 1 to 64 characters of plain text without a comma";
            checks.fail(format!("{field}[{at}]"), rule);
        } else if !kept.iter().any(|known| known == tag) {
            kept.push(tag.to_owned());
        }
    }
    kept
}

fn custom(checks: &mut Checks, fields: &Map<String, Value>) {
    let depth = fields.values().map(depth).max().unwrap_or(0);
    checks.check(depth < CUSTOM_DEPTH_MAX, "custom", "must be nested at most 32 levels deep");
    let bytes = serde_json::to_string(fields).map_or(usize::MAX, |text| text.len());
    checks.check(bytes <= CUSTOM_MAX, "custom", "must be at most 16 KiB of JSON");
}

/// How many levels of lists and objects a value has. The reader bounds what comes in.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(all) => 1 + all.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use serde_json::json;

    fn wrong(fields: Value) -> Vec<String> {
        match serde_json::from_value::<New>(fields).unwrap().checked() {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| f.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// One answer names every field that cannot be accepted.
    #[test]
    fn every_wrong_field_is_named() {
        let long = "x".repeat(256);
        let tags = json!(["ok", "", "a,b", "x".repeat(65)]);
        let custom = json!({ "a": "x".repeat(CUSTOM_MAX) });
        let fields = wrong(json!({ "subject": long, "description": "a\0", "tags": tags,
            "custom": custom, "type": "x".repeat(65) }));
        let expected =
            ["subject", "description", "type", "tags[1]", "tags[2]", "tags[3]", "custom"];
        assert_eq!(fields, expected);
        assert_eq!(wrong(json!({ "subject": "  " })), ["subject"]);
        assert_eq!(wrong(json!({ "subject": "a\nb" })), ["subject"]);
    }

    /// What is stored has no spaces around it and no tag twice.
    #[test]
    fn fields_are_tidied() {
        let sent = json!({ "subject": " Printer ", "tags": [" a", "b", "a "], "type": " " });
        let new = serde_json::from_value::<New>(sent).unwrap().checked().unwrap();
        assert_eq!((new.subject.as_str(), new.kind), ("Printer", None));
        assert_eq!(new.tags, ["a", "b"]);
    }

    /// Unknown words are refused with the allowed ones.
    #[test]
    fn an_unknown_word_is_answered_with_the_allowed_ones() {
        let sent = json!({ "subject": "a", "priority": "huge" });
        let why = serde_json::from_value::<New>(sent).unwrap_err().to_string();
        assert!(why.contains("`low`") && why.contains("`urgent`"), "{why}");
    }

    /// Customers say what happened to them, staff say what becomes of it.
    #[test]
    fn what_is_for_staff_only_is_known() {
        let read = |fields| serde_json::from_value::<Edit>(fields).unwrap();
        let mine = read(json!({ "subject": "a", "description": "b", "status": "resolved" }));
        assert!(mine.for_staff_only().is_empty());
        let theirs = read(json!({ "status": "closed", "assignee_id": null, "tags": [] }));
        assert_eq!(theirs.for_staff_only(), ["status", "assignee_id", "tags"]);
    }
}
