//! Statements over what stays of an event.

use super::Head;
use crate::{
    db::read_uuid,
    error::{Error, Result},
    id::TenantId,
};
use rusqlite::Connection;

/// One event of a tenant, with or without its data.
pub(super) fn head(conn: &Connection, tenant: TenantId, seq: i64) -> Result<Option<Head>> {
    conn.prepare_cached(
        "select seq, id, kind, audience, room, at_ms, data is not null from events
         where tenant_id = ?1 and seq = ?2",
    )?
    .query_and_then((tenant, seq), |row| {
        Ok(Head {
            seq: row.get(0)?,
            id: read_uuid(row.get_ref(1)?).map_err(Error::internal)?.to_string(),
            kind: row.get(2)?,
            audience: row.get(3)?,
            room: row.get(4)?,
            committed_at: row.get(5)?,
            data_kept: row.get(6)?,
        })
    })?
    .next()
    .transpose()
}
