//! What a delivery is in order with: for endpoints that want the events of one entity one after the
//! other, whatever becomes of each.

use crate::{error::Result, event::Envelope, id::EntityId};
use rusqlite::Connection;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// When a delivery is due that must wait for an earlier one of its key: not before that one has
/// ended and the delivery engine releases it, milliseconds since the Unix epoch.
pub const PARKED: i64 = i64::MAX / 4;

/// What in an event's data names its entity, the first that is there.
#[derive(Deserialize)]
struct Named {
    chat_id: Option<serde_json::Value>,
    id: Option<serde_json::Value>,
    user_id: Option<serde_json::Value>,
}

/// The key of an event: what it was said to speak of, such as the ticket of a comment; else the
/// chat, the `id` or the `user_id` in its data, of its family; else its own type.
///
/// It is a hash. Two entities that meet in one only wait for each other.
pub(super) fn key(event: &Envelope, subject: Option<EntityId>) -> i64 {
    let kind = event.kind.name();
    let entity = match subject {
        Some(subject) => subject.to_string(),
        None => {
            let named: Option<Named> = serde_json::from_str(event.data.get()).ok();
            let named = named.and_then(|named| named.chat_id.or(named.id).or(named.user_id));
            match named {
                Some(named) => {
                    let family = kind.split('.').next().unwrap_or_default();
                    format!("{family} {named}")
                }
                None => kind.to_owned(),
            }
        }
    };
    let hash = Sha256::digest(entity.as_bytes());
    let bytes: [u8; 8] = hash.first_chunk().copied().unwrap_or_default();
    // Never 0, and never negative.
    (i64::from_be_bytes(bytes) & i64::MAX).max(1)
}

/// When a new delivery of this key is due: at once, or when those before it have ended.
pub(super) fn due(conn: &Connection, endpoint: i64, key: i64, now: i64) -> Result<i64> {
    let waits: bool = conn
        .prepare_cached(
            "select exists (select 1 from deliveries
               where endpoint_id = ?1 and key = ?2 and state = 'waiting' and key is not null)",
        )?
        .query_row((endpoint, key), |row| row.get(0))?;
    Ok(if waits { PARKED } else { now })
}
