//! Statements over the settings of chats.

use super::Settings;
use crate::{error::Result, id::TenantId};
use rusqlite::{Connection, OptionalExtension as _};

/// What a tenant decided; the usual where it decided nothing yet.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &Connection, tenant: TenantId) -> Result<Settings> {
    let found = conn
        .prepare_cached(
            "select visitors, key, team_id, max_per_agent, version, updated_at from chat_settings
             where tenant_id = ?1",
        )?
        .query_row([tenant], |row| {
            Ok(Settings {
                visitors: row.get(0)?,
                key: row.get(1)?,
                sites: Vec::new(),
                team_id: row.get(2)?,
                max_per_agent: row.get(3)?,
                version: row.get(4)?,
                updated_at: row.get(5)?,
            })
        })
        .optional()?;
    let Some(mut settings) = found else { return Ok(Settings::default()) };
    settings.sites = conn
        .prepare_cached("select origin from chat_sites where tenant_id = ?1 order by origin")?
        .query_map([tenant], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(settings)
}

/// Stores what a tenant decided.
pub(super) fn store(conn: &Connection, tenant: TenantId, settings: &Settings) -> Result<()> {
    conn.prepare_cached(
        "insert or replace into chat_settings (tenant_id, visitors, key, team_id, max_per_agent,
           version, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute((
        tenant,
        settings.visitors,
        &settings.key,
        settings.team_id,
        settings.max_per_agent,
        settings.version,
        settings.updated_at,
    ))?;
    conn.prepare_cached("delete from chat_sites where tenant_id = ?1")?.execute([tenant])?;
    for site in &settings.sites {
        conn.prepare_cached("insert into chat_sites (origin, tenant_id) values (?1, ?2)")?
            .execute((site, tenant))?;
    }
    Ok(())
}
