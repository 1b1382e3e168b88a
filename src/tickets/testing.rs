//! A ticket out of the air, for tests of rules.

use super::{
    ticket::{StaffFields, Ticket},
    words::{Channel, Priority, Status},
};
use crate::id::{EntityId, TenantId, UserId};
use serde_json::Map;
use uuid::Uuid;

/// An open ticket of nobody in particular.
pub(crate) fn a_ticket() -> Ticket {
    Ticket {
        rid: 1,
        id: EntityId::new(0),
        tenant_id: TenantId(Uuid::from_u128(1)),
        version: 1,
        created_at: 0,
        updated_at: 0,
        deleted_at: None,
        number: 1,
        subject: String::from("Printer"),
        description: String::new(),
        status: Status::Open,
        priority: Priority::Normal,
        kind: None,
        channel: Channel::Web,
        requester_id: UserId(Uuid::from_u128(2)),
        assignee_id: None,
        team_id: None,
        created_by: None,
        tags: Vec::new(),
        custom: Map::new(),
        followers: Vec::new(),
        due_at: None,
        first_responded_at: None,
        resolved_at: None,
        closed_at: None,
        reopened_count: 0,
        waiting_since: Some(0),
        comment_count: 0,
        last_comment_at: None,
        merged_into_id: None,
        call_id: None,
        chat_id: None,
        staff: StaffFields::default(),
    }
}
