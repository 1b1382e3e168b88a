//! Statements over telephone systems and the calls they are asked to make.

use super::{Kind, Pbx, pauses::Now};
use crate::{
    agents::State,
    db::Write,
    error::{Error, Result},
    http::page::Paging,
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use std::collections::BTreeSet;

/// Agents with an extension that a PBX is told of; more are left alone.
const AGENTS_MAX: i64 = 5_000;

/// How long a number is remembered whose call has no known end, milliseconds.
const DIALS_KEPT_MS: i64 = 24 * 3_600_000;

/// Numbers dialled at a time.
const DIALS_AT_ONCE: i64 = 20;

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
pub(super) fn list(conn: &Connection, tenant: TenantId, paging: Paging) -> Result<(Vec<Pbx>, i64)> {
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

/// The names of the calls that a PBX is taken to have.
pub(super) fn live(conn: &Connection, tenant: TenantId, source: &str) -> Result<BTreeSet<String>> {
    Ok(conn
        .prepare_cached(
            "select external_id from calls
             where tenant_id = ?1 and source = ?2 and ended_at is null
               and external_id is not null",
        )?
        .query_map((tenant, source), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// What agents with an extension are, as far as the PBX of that `source` cares. Who never chose is
/// offline.
pub(super) fn agents(
    conn: &Connection,
    tenant: TenantId,
    source: &str,
) -> Result<Vec<(String, Now)>> {
    conn.prepare_cached(
        "select u.extension, coalesce(s.state, 'offline'), s.reason, coalesce(s.source, '')
         from users u left join agent_states s on s.user_id = u.id
         where u.tenant_id = ?1 and u.extension is not null and u.deleted_at is null
           and u.is_active and u.role <> 'customer'
         order by u.id limit ?2",
    )?
    .query_and_then((tenant, AGENTS_MAX), |row| {
        let state = row.get::<_, String>(1)?.parse::<State>();
        let state = state.map_err(|()| Error::internal("an unknown agent state"))?;
        let is_theirs = row.get::<_, String>(3)? == source;
        Ok((row.get(0)?, Now { state, reason: row.get(2)?, is_theirs }))
    })?
    .collect()
}

/// A call that a PBX is to make.
#[derive(Debug, Clone)]
pub(super) struct Dial {
    pub(super) call: String,
    pub(super) extension: String,
    pub(super) to_number: String,
    pub(super) created_at: i64,
}

/// Whether a PBX has numbers to dial.
pub(super) fn has_dials(conn: &Connection, pbx: EntityId) -> Result<bool> {
    let sql = "select exists (select 1 from pbx_dials where pbx_id = ?1 and sent_at is null)";
    Ok(conn.prepare_cached(sql)?.query_row([pbx], |row| row.get(0))?)
}

/// The numbers that a PBX is to dial now, the longest waiting first; they count as dialled from
/// here on. Those whose call somebody ended before are not dialled.
pub(super) fn take_dials(
    w: &Write<'_>,
    (tenant, pbx): (TenantId, EntityId),
    source: &str,
) -> Result<Vec<Dial>> {
    w.prepare_cached(
        "delete from pbx_dials where tenant_id = ?1 and pbx_id = ?2 and sent_at is null
           and not exists (select 1 from calls c where c.tenant_id = ?1 and c.source = ?3
             and c.external_id = call_name and c.ended_at is null)",
    )?
    .execute((tenant, pbx, source))?;
    let dials: Vec<Dial> = w
        .prepare_cached(
            "select call_name, extension, to_number, created_at from pbx_dials
             where tenant_id = ?1 and pbx_id = ?2 and sent_at is null
             order by created_at limit ?3",
        )?
        .query_map((tenant, pbx, DIALS_AT_ONCE), |row| {
            Ok(Dial {
                call: row.get(0)?,
                extension: row.get(1)?,
                to_number: row.get(2)?,
                created_at: row.get(3)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    for dial in &dials {
        w.prepare_cached(
            "update pbx_dials set sent_at = ?3 where tenant_id = ?1 and call_name = ?2",
        )?
        .execute((tenant, &dial.call, w.now))?;
    }
    Ok(dials)
}

/// The calls that a PBX has still to make, or was told to since `since`.
pub(super) fn under_way(
    conn: &Connection,
    (tenant, pbx): (TenantId, EntityId),
    since: i64,
) -> Result<BTreeSet<String>> {
    Ok(conn
        .prepare_cached(
            "select call_name from pbx_dials
             where tenant_id = ?1 and pbx_id = ?2 and coalesce(sent_at, ?3) >= ?3",
        )?
        .query_map((tenant, pbx, since), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// Notes a number to dial, and forgets those whose end nobody told within a day.
pub(super) fn dial(w: &Write<'_>, pbx: &Pbx, dial: &Dial) -> Result<()> {
    w.prepare_cached("delete from pbx_dials where pbx_id = ?1 and created_at < ?2")?
        .execute((pbx.id, w.now - DIALS_KEPT_MS))?;
    w.prepare_cached(
        "insert into pbx_dials (call_name, pbx_id, tenant_id, extension, to_number, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((
        &dial.call,
        pbx.id,
        pbx.tenant_id,
        &dial.extension,
        &dial.to_number,
        dial.created_at,
    ))?;
    Ok(())
}

/// Forgets a number whose call is over.
pub(super) fn dialled(w: &Write<'_>, tenant: TenantId, call: &str) -> Result<()> {
    w.prepare_cached("delete from pbx_dials where tenant_id = ?1 and call_name = ?2")?
        .execute((tenant, call))?;
    Ok(())
}

/// The numbers that a PBX has still to dial, or has under way.
pub(super) fn dialling(conn: &Connection, tenant: TenantId, pbx: EntityId) -> Result<i64> {
    let sql = "select count(*) from pbx_dials where tenant_id = ?1 and pbx_id = ?2";
    Ok(conn.prepare_cached(sql)?.query_row((tenant, pbx), |row| row.get(0))?)
}

/// The Asterisks of a tenant that are used, by name.
pub(super) fn active(conn: &Connection, tenant: TenantId) -> Result<Vec<Pbx>> {
    let sql = format!(
        "select {COLUMNS} from pbxs where tenant_id = ?1 and kind = 'ami' and is_active
         order by name, id"
    );
    conn.prepare_cached(&sql)?.query_and_then([tenant], pbx)?.collect()
}

/// The extension of an agent.
pub(super) fn extension(
    conn: &Connection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<String>> {
    let sql = "select extension from users where tenant_id = ?1 and id = ?2";
    let found = conn.prepare_cached(sql)?.query_row((tenant, user), |row| row.get(0)).optional()?;
    Ok(found.flatten())
}

/// The one of the active staff whom a telephone system calls so: by extension, phone number, e-mail
/// address or name, in this order.
pub(super) fn known_as(conn: &Connection, tenant: TenantId, word: &str) -> Result<Option<UserId>> {
    let sql = "select id from users
         where tenant_id = ?1 and deleted_at is null and is_active and role <> 'customer'
           and (extension = ?2 or phone = ?2 or email = ?2 or name = ?2)
         order by case ?2 when extension then 0 when phone then 1 when email then 2 else 3 end, id
         limit 1";
    Ok(conn.prepare_cached(sql)?.query_row((tenant, word), |row| row.get(0)).optional()?)
}
