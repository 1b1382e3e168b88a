//! What other rooms ask about teams.

use crate::{
    error::Result,
    id::{EntityId, TenantId, UserId},
};
use rusqlite::Connection;

/// The members of a team; none when the tenant has no such team.
///
/// # Errors
/// When the database refuses.
pub fn members(_: &Connection, _: TenantId, _: EntityId) -> Result<Option<Vec<UserId>>> {
    Ok(Some(Vec::new()))
}

/// The teams that somebody is a member of.
///
/// # Errors
/// When the database refuses.
pub fn of_user(_: &Connection, _: TenantId, _: UserId) -> Result<Vec<EntityId>> {
    Ok(Vec::new())
}
