//! Statements over visitors' tokens, and the way from a key to its tenant.

use crate::{
    auth::sql::is_site_of,
    chats::Chat,
    db::Write,
    error::{Error, OrNotFound as _, Result},
    id::{TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension as _};

/// Tokens that are cleared away in one go.
const STEP: i64 = 100;

/// The tenant whose widget has this key, where visitors are let in, and from this site if a page
/// of another site asks.
///
/// # Errors
/// 404 for a key that is nobody's or is switched off, 403 for a site that is not listed.
pub(super) fn host(conn: &Connection, key: &str, site: Option<&str>) -> Result<TenantId> {
    let found: Option<TenantId> = conn
        .prepare_cached(
            "select s.tenant_id from chat_settings s join tenants t on t.id = s.tenant_id
             where s.key = ?1 and s.visitors and t.is_active",
        )?
        .query_row([key], |row| row.get(0))
        .optional()?;
    let tenant = found.or_not_found("widget")?;
    match site {
        Some(site) if !is_site_of(conn, tenant, site)? => {
            Err(Error::Forbidden("pages of that site may not show this widget"))
        }
        _ => Ok(tenant),
    }
}

/// Stores what lets a visitor in.
pub(super) fn keep(
    w: &Write<'_>,
    digest: &[u8],
    (chat, visitor): (&Chat, UserId),
    expires_at: i64,
) -> Result<()> {
    w.prepare_cached(
        "insert into visitor_tokens (hash, tenant_id, chat_id, visitor_id, expires_at)
         values (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute((digest, chat.tenant_id, chat.id, visitor, expires_at))?;
    Ok(())
}

/// Clears away what lets nobody in any more, of every tenant: each new token takes some along.
pub(super) fn forget_ended(w: &Write<'_>) -> Result<()> {
    w.prepare_cached(
        "delete from visitor_tokens where hash in (
           select hash from visitor_tokens where expires_at <= ?1 order by expires_at limit ?2)",
    )?
    .execute((w.now, STEP))?;
    Ok(())
}
