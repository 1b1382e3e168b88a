//! Statements of the clockwork. They read across tenants: one serves all of them.

use crate::{
    calls::{
        Call,
        sql::{COLUMNS, call},
    },
    db::Write,
    error::Result,
    id::{TenantId, UserId},
};
use rusqlite::Connection;

/// Whether a wrap-up's time is over by `now`, or a call silent since before `others`, or
/// `at_pbx` for a PBX's. Reads across tenants: one clockwork serves all of them.
pub(super) fn is_anything_due(
    conn: &Connection,
    now: i64,
    (others, at_pbx): (i64, i64),
) -> Result<bool> {
    Ok(conn
        .prepare_cached(
            "select exists (select 1 from call_parts indexed by call_parts_wrapping
                 where wrapped_at is null and wrap_until <= ?1)
               or exists (select 1 from calls indexed by calls_untouched
                 where (ended_at is null or not is_known) and touched_at <= ?2
                   and (touched_at <= ?3 or substr(source, 1, 4) <> 'ami:'))
               or exists (select 1 from agent_states indexed by agent_states_wrapping_up
                 where wrap_up_until <= ?1 and wrap_up_until is not null)",
        )?
        .query_row((now, others, at_pbx), |row| row.get(0))?)
}

/// Wrap-ups whose time is over by `now`, of any tenant: after which call, and whose.
pub(super) fn due_wrap_ups(conn: &Connection, now: i64, limit: i64) -> Result<Vec<(Call, UserId)>> {
    let sql = format!(
        "select {COLUMNS}, p.agent_id from call_parts p indexed by call_parts_wrapping
           cross join calls c on c.rid = p.call_rid
         where p.wrapped_at is null and p.wrap_until <= ?1 order by p.wrap_until limit ?2"
    );
    conn.prepare_cached(&sql)?
        .query_and_then((now, limit), |row| Ok((call(row)?, row.get(30)?)))?
        .collect()
}

/// Calls of any tenant that nobody has heard of since then; those of a PBX since longer.
pub(super) fn silent(
    conn: &Connection,
    (others, at_pbx): (i64, i64),
    limit: i64,
) -> Result<Vec<Call>> {
    let sql = format!(
        "select {COLUMNS} from calls c indexed by calls_untouched
         where (ended_at is null or not is_known) and touched_at <= ?1
           and (touched_at <= ?2 or substr(source, 1, 4) <> 'ami:')
         order by touched_at limit ?3"
    );
    conn.prepare_cached(&sql)?.query_and_then((others, at_pbx, limit), call)?.collect()
}

/// Forgets a call of which only the middle or the end was heard.
pub(super) fn forget(w: &Write<'_>, tenant: TenantId, rid: i64) -> Result<()> {
    w.prepare_cached("delete from call_steps where call_rid = ?1")?.execute([rid])?;
    w.prepare_cached("delete from call_parts where call_rid = ?1")?.execute([rid])?;
    w.prepare_cached("delete from call_offers where call_rid = ?1")?.execute([rid])?;
    w.prepare_cached("delete from calls where tenant_id = ?1 and rid = ?2 and not is_known")?
        .execute((tenant, rid))?;
    Ok(())
}
