//! Statements over telephone systems and the calls they are asked to make.

use super::{Kind, Pbx};
use crate::{
    db::Write,
    error::{Error, Result},
    http::page::Paging,
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

const COLUMNS: &str = "id, tenant_id, kind, name, host, port, username, dial_channel, \
     dial_context, token_hint, is_active, version, created_at, updated_at";

fn pbx(row: &Row<'_>) -> Result<Pbx> {
    let kind = match row.get::<_, String>(2)?.as_str() {
        "ami" => Kind::Ami,
        "cti" => Kind::Cti,
        _ => return Err(Error::internal("an unknown kind of telephone system")),
    };
    Ok(Pbx {
        id: row.get(0)?,
        tenant_id: row.get(1)?,
        kind,
        name: row.get(3)?,
        host: row.get(4)?,
        port: row.get(5)?,
        username: row.get(6)?,
        dial_channel: row.get(7)?,
        dial_context: row.get(8)?,
        token_hint: row.get(9)?,
        is_active: row.get(10)?,
        version: row.get(11)?,
        created_at: row.get(12)?,
        updated_at: row.get(13)?,
    })
}

/// A tenant's telephone system.
pub(super) fn find(conn: &Connection, tenant: TenantId, id: EntityId) -> Result<Option<Pbx>> {
    let sql = format!("select {COLUMNS} from pbxs where tenant_id = ?1 and id = ?2");
    conn.prepare_cached(&sql)?.query_and_then((tenant, id), pbx)?.next().transpose()
}

/// How many a tenant has.
pub(super) fn count(conn: &Connection, tenant: TenantId) -> Result<i64> {
    let sql = "select count(*) from pbxs where tenant_id = ?1";
    Ok(conn.prepare_cached(sql)?.query_row([tenant], |row| row.get(0))?)
}

/// One page of a tenant's telephone systems by name, and how many there are.
pub(super) fn list(
    conn: &Connection,
    tenant: TenantId,
    paging: Paging,
) -> Result<(Vec<Pbx>, i64)> {
    let sql = format!(
        "select {COLUMNS} from pbxs where tenant_id = ?1 order by name, id limit ?2 offset ?3"
    );
    let page = conn
        .prepare_cached(&sql)?
        .query_and_then((tenant, paging.limit(), paging.offset()), pbx)?
        .collect::<Result<_>>()?;
    Ok((page, count(conn, tenant)?))
}

/// Every Asterisk that is to be connected to, of all active tenants, with its sealed secret.
pub(super) fn to_connect(conn: &Connection) -> Result<Vec<(Pbx, Vec<u8>)>> {
    let sql = format!(
        "select {COLUMNS}, secret from pbxs
         where kind = 'ami' and is_active and secret is not null
           and tenant_id in (select id from tenants where is_active)
         order by id"
    );
    conn.prepare_cached(&sql)?.query_and_then([], |row| Ok((pbx(row)?, row.get(14)?)))?.collect()
}

/// The sealed secret of a tenant's telephone system.
pub(super) fn secret(conn: &Connection, tenant: TenantId, id: EntityId) -> Result<Option<Vec<u8>>> {
    let sql = "select secret from pbxs where tenant_id = ?1 and id = ?2";
    let found = conn.prepare_cached(sql)?.query_row((tenant, id), |row| row.get(0)).optional()?;
    Ok(found.flatten())
}

/// Whose token that is, if it is anybody's who is active.
pub(super) fn by_token(conn: &Connection, hash: &[u8; 32]) -> Result<Option<Pbx>> {
    let sql = format!(
        "select {COLUMNS} from pbxs where token_hash = ?1 and is_active
           and tenant_id in (select id from tenants where is_active)"
    );
    conn.prepare_cached(&sql)?.query_and_then([hash.as_slice()], pbx)?.next().transpose()
}

/// Stores a new one with who made it, its sealed secret and the hash of its token.
pub(super) fn insert(
    w: &Write<'_>,
    pbx: &Pbx,
    (by, secret, hash): (UserId, Option<&[u8]>, Option<&[u8; 32]>),
) -> rusqlite::Result<()> {
    w.prepare_cached(
        "insert into pbxs (id, tenant_id, kind, name, host, port, username, secret, dial_channel,
           dial_context, token_hash, token_hint, is_active, created_by, version, created_at,
           updated_at)
         values (:id, :tenant, :kind, :name, :host, :port, :username, :secret, :channel, :context,
           :hash, :hint, :active, :by, :version, :created, :updated)",
    )?
    .execute(named_params! {
        ":id": pbx.id, ":tenant": pbx.tenant_id, ":kind": pbx.kind.name(), ":name": pbx.name,
        ":host": pbx.host, ":port": pbx.port, ":username": pbx.username, ":secret": secret,
        ":channel": pbx.dial_channel, ":context": pbx.dial_context,
        ":hash": hash.map(<[u8; 32]>::as_slice), ":hint": pbx.token_hint,
        ":active": pbx.is_active, ":by": by, ":version": pbx.version,
        ":created": pbx.created_at, ":updated": pbx.updated_at,
    })?;
    Ok(())
}

/// Stores what may change; without a `secret` the one there is stays.
pub(super) fn update(w: &Write<'_>, pbx: &Pbx, secret: Option<&[u8]>) -> rusqlite::Result<()> {
    w.prepare_cached(
        "update pbxs set name = :name, host = :host, port = :port, username = :username,
           secret = coalesce(:secret, secret), dial_channel = :channel, dial_context = :context,
           is_active = :active, version = :version, updated_at = :updated
         where tenant_id = :tenant and id = :id",
    )?
    .execute(named_params! {
        ":id": pbx.id, ":tenant": pbx.tenant_id, ":name": pbx.name, ":host": pbx.host,
        ":port": pbx.port, ":username": pbx.username, ":secret": secret,
        ":channel": pbx.dial_channel, ":context": pbx.dial_context, ":active": pbx.is_active,
        ":version": pbx.version, ":updated": pbx.updated_at,
    })?;
    Ok(())
}

/// Stores another token.
pub(super) fn set_token(w: &Write<'_>, pbx: &Pbx, hash: &[u8; 32]) -> Result<()> {
    w.prepare_cached(
        "update pbxs set token_hash = ?3, token_hint = ?4, version = ?5, updated_at = ?6
         where tenant_id = ?1 and id = ?2",
    )?
    .execute((
        pbx.tenant_id,
        pbx.id,
        hash.as_slice(),
        &pbx.token_hint,
        pbx.version,
        pbx.updated_at,
    ))?;
    Ok(())
}

/// Takes one away, with what it was still to dial.
pub(super) fn delete(w: &Write<'_>, tenant: TenantId, id: EntityId) -> Result<()> {
    w.prepare_cached("delete from pbxs where tenant_id = ?1 and id = ?2")?.execute((tenant, id))?;
    Ok(())
}
