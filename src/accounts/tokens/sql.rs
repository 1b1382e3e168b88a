//! Statements over programs' tokens.

use super::Token;
use crate::{
    db::Write,
    error::{Error, Result},
    http::page::Paging,
    id::{EntityId, TenantId},
};
use rusqlite::{Connection, Row};

/// How many tokens of a tenant stand.
pub(super) fn count(conn: &Connection, tenant: TenantId) -> Result<i64> {
    let sql = "select count(*) from api_tokens where tenant_id = ?1 and revoked_at is null";
    Ok(conn.prepare_cached(sql)?.query_row([tenant], |row| row.get(0))?)
}

/// One page of a tenant's tokens, the newest first, and how many there are.
pub(super) fn list(
    conn: &Connection,
    tenant: TenantId,
    paging: Paging,
) -> Result<(Vec<Token>, i64)> {
    let row = |row: &Row<'_>| {
        let token = Token {
            id: row.get(0)?,
            tenant,
            name: row.get(1)?,
            hint: row.get(2)?,
            scopes: Vec::new(),
            created_by: row.get(4)?,
            created_at: row.get(5)?,
            expires_at: row.get(6)?,
        };
        Ok((token, row.get::<_, String>(3)?))
    };
    let mut query = conn.prepare_cached(
        "select id, name, hint, scopes, created_by, created_at, expires_at from api_tokens
         where tenant_id = ?1 and revoked_at is null
         order by created_at desc, id desc limit ?2 offset ?3",
    )?;
    let mut tokens = Vec::new();
    for found in query.query_map((tenant, paging.limit(), paging.offset()), row)? {
        let (token, scopes) = found?;
        let scopes = serde_json::from_str(&scopes).map_err(Error::internal)?;
        tokens.push(Token { scopes, ..token });
    }
    Ok((tokens, count(conn, tenant)?))
}

/// Stores a new token by its digest.
pub(super) fn insert(w: &Write<'_>, token: &Token, digest: &[u8]) -> Result<()> {
    let scopes = serde_json::to_string(&token.scopes).map_err(Error::internal)?;
    w.prepare_cached(
        "insert into api_tokens
           (id, tenant_id, name, hash, hint, scopes, created_by, created_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute((
        token.id,
        token.tenant,
        &token.name,
        digest,
        &token.hint,
        scopes,
        token.created_by,
        token.created_at,
        token.expires_at,
    ))?;
    Ok(())
}

/// Revokes a token; false when there is no such token that stands.
pub(super) fn revoke(w: &Write<'_>, tenant: TenantId, id: EntityId) -> Result<bool> {
    let revoked = w
        .prepare_cached(
            "update api_tokens set revoked_at = ?3
             where tenant_id = ?1 and id = ?2 and revoked_at is null",
        )?
        .execute((tenant, id, w.now))?;
    Ok(revoked > 0)
}
