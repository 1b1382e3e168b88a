//! A ticket as it is stored and shown: to everybody on it, and with what only staff may see.

use super::words::{Channel, Priority, Status};
use crate::{
    event::Listener,
    id::{EntityId, TenantId, UserId},
    time,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// A ticket. Written as JSON it has only what its customers may see too, as events carry it; see
/// [`Shown`] for the rest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ticket {
    /// Its place in the order of creation, by which side tables know it; never on the wire.
    #[serde(skip)]
    pub rid: i64,
    /// Its id.
    pub id: EntityId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Counts its changes.
    pub version: i64,
    /// When it was opened, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When something that its customers can see last changed.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
    /// When it was deleted.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub deleted_at: Option<i64>,
    /// Counts the tickets of the tenant.
    pub number: i64,
    /// What it is about, in one line.
    pub subject: String,
    /// What it is about.
    pub description: String,
    /// Where it stands.
    pub status: Status,
    /// How much it hurries.
    pub priority: Priority,
    /// What sort of thing it is, in the tenant's own words.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// How it came in.
    pub channel: Channel,
    /// Whose matter it is.
    pub requester_id: UserId,
    /// Who works on it.
    pub assignee_id: Option<UserId>,
    /// The team that works on it.
    pub team_id: Option<EntityId>,
    /// Who opened it; nobody for programs.
    pub created_by: Option<UserId>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The tenant's own fields.
    pub custom: Map<String, Value>,
    /// Who else wants to know.
    pub followers: Vec<UserId>,
    /// When it should be done, where somebody said so.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub due_at: Option<i64>,
    /// When staff first answered in public.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub first_responded_at: Option<i64>,
    /// When it was resolved.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub resolved_at: Option<i64>,
    /// When it was closed.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub closed_at: Option<i64>,
    /// How often it came back after it was resolved or closed.
    pub reopened_count: i64,
    /// Since when the customer has been waiting for an answer.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub waiting_since: Option<i64>,
    /// Public comments.
    pub comment_count: i64,
    /// When the last public comment was made.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub last_comment_at: Option<i64>,
    /// The ticket that took its place.
    pub merged_into_id: Option<EntityId>,
    /// The call it was opened for.
    pub call_id: Option<EntityId>,
    /// The chat it was opened for.
    pub chat_id: Option<EntityId>,
    /// What only staff may see.
    #[serde(skip)]
    pub staff: StaffFields,
}

/// What only staff may see of a ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StaffFields {
    /// When the first answer is due, while that clock runs.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub first_response_due_at: Option<i64>,
    /// When the solution is due, while that clock runs.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub resolution_due_at: Option<i64>,
    /// When anything last happened on it, internal notes included.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub last_activity_at: i64,
    /// Internal notes.
    pub internal_note_count: i64,
}

impl Ticket {
    /// Whether it can take no comment and no change of status but reopening.
    pub fn is_closed(&self) -> bool {
        self.status == Status::Closed
    }

    /// Whether somebody who is no staff is on it.
    pub fn is_of_customer(&self, user: UserId) -> bool {
        self.requester_id == user || self.followers.contains(&user)
    }

    /// Whether somebody may see it. Nobody sees a deleted one here: restoring asks otherwise.
    pub fn is_visible_to(&self, who: &Listener) -> bool {
        self.tenant_id == who.tenant
            && self.deleted_at.is_none()
            && (who.role.is_staff() || self.is_of_customer(who.user))
    }

    /// As `who` may see it.
    pub fn shown_to(self, who: &Listener) -> Shown {
        self.shown(who.role.is_staff())
    }

    /// As staff or as its customers may see it.
    pub(super) fn shown(self, to_staff: bool) -> Shown {
        if to_staff {
            let staff = self.staff.clone();
            Shown::ToStaff(WithStaffFields { ticket: self, staff })
        } else {
            Shown::ToCustomers(self)
        }
    }
}

/// A ticket as an answer shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// With all fields.
    ToStaff(WithStaffFields),
    /// Without what only staff may see.
    ToCustomers(Ticket),
}

/// A ticket with what only staff may see.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WithStaffFields {
    #[serde(flatten)]
    ticket: Ticket,
    #[serde(flatten)]
    staff: StaffFields,
}
