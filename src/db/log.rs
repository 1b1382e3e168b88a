//! The event log: rows in commit order, read back as the envelopes they were.

use crate::{
    error::{Error, Result},
    event::{Audience, Envelope, Frames, Kind, Listener, Room},
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::value::RawValue;

/// Appends an event that has come through `hops` webhooks; returns its `seq`.
pub(super) fn insert(conn: &Connection, e: &Envelope, hops: u8) -> Result<i64> {
    let (audience, room) = (e.audience.to_string(), e.room.to_string());
    conn.prepare_cached(
        "insert into events (id, tenant_id, kind, audience, room, at_ms, actor, data, changes,
           hops)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute((
        e.id.as_bytes(),
        e.tenant,
        e.kind.name(),
        audience,
        room,
        e.at_ms,
        e.actor.get(),
        e.data.get(),
        e.changes.as_deref().map(RawValue::get),
        hops,
    ))?;
    let seq = conn.last_insert_rowid();
    for user in &e.named {
        conn.prepare_cached("insert into event_users (user_id, seq) values (?1, ?2)")?
            .execute((user, seq))?;
    }
    Ok(seq)
}

/// Notes what an event speaks of.
pub(super) fn insert_subjects(conn: &Connection, seq: i64, subjects: &[EntityId]) -> Result<()> {
    for subject in subjects {
        conn.prepare_cached("insert or ignore into event_subjects (subject, seq) values (?1, ?2)")?
            .execute((subject, seq))?;
    }
    Ok(())
}

/// Where the log begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The oldest event from which on all are kept whole, of any tenant; one more than `latest`
    /// when there is none. Some older ones may keep their data for longer.
    pub oldest: i64,
    /// The newest `seq` given out.
    pub latest: i64,
}

/// Where the log begins and ends, in this snapshot.
///
/// # Errors
/// When the database refuses.
pub fn bounds(conn: &Connection) -> Result<Bounds> {
    let latest = conn
        .prepare_cached("select seq from sqlite_sequence where name = 'events'")?
        .query_row([], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    let trimmed: Option<i64> = conn
        .prepare_cached("select cast(value as integer) from meta where key = 'trimmed'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let oldest: Option<i64> = conn
        .prepare_cached("select seq from events where seq > ?1 order by seq limit 1")?
        .query_row([trimmed.unwrap_or(0)], |row| row.get(0))
        .optional()?;
    Ok(Bounds { oldest: oldest.unwrap_or(latest + 1), latest })
}

/// Data of events on one page, bytes; the page ends with the event that passes it. Rows alone are
/// no bound: 200 of them may be 50 MiB, and 32 replays read at a time.
const PAGE_BYTES: usize = 1 << 20;

/// Up to which `seq` events have lost their data, in this snapshot. The log has said for a while
/// that it does not answer from there; a reader that is still there has a gap before it.
///
/// # Errors
/// When the database refuses.
pub fn forgotten(conn: &Connection) -> Result<i64> {
    let purged: Option<i64> = conn
        .prepare_cached("select cast(value as integer) from meta where key = 'purged'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(purged.unwrap_or(0))
}

/// Forgets the data of all events up to `seq`, as `retention` does in its time.
#[cfg(test)]
pub(crate) fn forget(conn: &Connection, seq: i64) -> Result<()> {
    for key in ["trimmed", "purged"] {
        conn.execute("insert or replace into meta (key, value) values (?1, ?2)", (key, seq))?;
    }
    conn.execute("update events set data = null where seq <= ?1", [seq])?;
    Ok(())
}

/// A stretch of the log.
#[derive(Debug)]
pub struct Page {
    /// What the listener hears of it, in order.
    pub envelopes: Vec<Envelope>,
    /// Everything up to this `seq` was looked at.
    pub covered: i64,
}

/// What `listener` hears after `since`, from at most `limit` rows of the log.
///
/// Staff read the tenant's log and keep what reaches them. Customers never touch it: theirs is the
/// merge of what names them and what is for everyone.
///
/// # Errors
/// When the database refuses.
pub fn after(
    conn: &Connection,
    listener: &Listener,
    topics: &[Box<str>],
    since: i64,
    limit: usize,
) -> Result<Page> {
    let mut page = audible_after(conn, listener, since, limit)?;
    page.envelopes.retain(|event| listener.is_reached_by(event, topics));
    Ok(page)
}

/// The same whatever the room: all that `listener` may know of.
///
/// # Errors
/// When the database refuses.
pub fn audible_after(
    conn: &Connection,
    listener: &Listener,
    since: i64,
    limit: usize,
) -> Result<Page> {
    // Read first: rows committed after this are left to the next page.
    let latest = bounds(conn)?.latest;
    let mut page = if listener.role.is_staff() {
        staff_page(conn, listener.tenant, (since, latest), limit)?
    } else {
        customer_page(conn, listener, (since, latest), limit)?
    };
    page.envelopes.retain(|event| listener.may_hear(event));
    Ok(page)
}

const COLUMNS: &str =
    "e.seq, e.id, e.tenant_id, e.kind, e.audience, e.room, e.at_ms, e.actor, e.data, e.changes";

fn staff_page(
    conn: &Connection,
    tenant: TenantId,
    (since, latest): (i64, i64),
    limit: usize,
) -> Result<Page> {
    let sql = format!(
        "select {COLUMNS} from events e
         where e.tenant_id = ?1 and e.seq > ?2 and e.seq <= ?3 and e.data is not null
         order by e.seq limit ?4"
    );
    let mut query = conn.prepare_cached(&sql)?;
    let found = query.query_and_then((tenant, since, latest, rows(limit)), envelope)?;
    page(found, limit, latest)
}

fn customer_page(
    conn: &Connection,
    listener: &Listener,
    (since, latest): (i64, i64),
    limit: usize,
) -> Result<Page> {
    // What is not kept any more is left out before it is counted: a page that is not full is the
    // end, and two hundred old events without their data would hide all that came after them.
    let sql = format!(
        "select {COLUMNS} from events e where e.seq in (
           select seq from (select u.seq from event_users u cross join events k on k.seq = u.seq
                            where u.user_id = ?1 and u.seq > ?3 and u.seq <= ?4
                              and k.data is not null order by u.seq limit ?5)
           union
           select seq from (select seq from events
                            where tenant_id = ?2 and audience = 'everyone'
                              and seq > ?3 and seq <= ?4 and data is not null
                            order by seq limit ?5)
         ) order by e.seq limit ?5"
    );
    let mut query = conn.prepare_cached(&sql)?;
    let asked = (listener.user, listener.tenant, since, latest, rows(limit));
    let mut page = page(query.query_and_then(asked, envelope)?, limit, latest)?;
    for event in &mut page.envelopes {
        event.named = named(conn, event.seq)?;
    }
    Ok(page)
}

/// Takes rows until they are as many, or as large, as a page may be.
fn page(found: impl Iterator<Item = Result<Envelope>>, limit: usize, latest: i64) -> Result<Page> {
    let (mut envelopes, mut bytes) = (Vec::new(), 0);
    for event in found {
        let event = event?;
        let covered = event.seq;
        bytes += event.data.get().len();
        envelopes.push(event);
        if envelopes.len() >= limit || bytes >= PAGE_BYTES {
            return Ok(Page { envelopes, covered });
        }
    }
    Ok(Page { envelopes, covered: latest })
}

/// What `listener` may hear of everything said about `subject` after `since`, in order; what is no
/// longer kept of an old event's data is `null`. Customers see what named them when it was said.
///
/// # Errors
/// When the database refuses.
pub fn about(
    conn: &Connection,
    listener: &Listener,
    subject: EntityId,
    since: i64,
    limit: usize,
) -> Result<Page> {
    const WITHOUT_GAPS: &str = "e.seq, e.id, e.tenant_id, e.kind, e.audience, e.room, e.at_ms, \
         e.actor, coalesce(e.data, 'null'), e.changes";
    let latest = bounds(conn)?.latest;
    let named_to = if listener.role.is_staff() {
        ""
    } else {
        "join event_users u on u.user_id = ?3 and u.seq = s.seq"
    };
    let sql = format!(
        "select {WITHOUT_GAPS} from event_subjects s {named_to} join events e on e.seq = s.seq
         where s.subject = ?1 and s.seq > ?4 and e.tenant_id = ?2 and ?3 is not null
         order by s.seq limit ?5"
    );
    let mut envelopes = conn
        .prepare_cached(&sql)?
        .query_and_then((subject, listener.tenant, listener.user, since, rows(limit)), envelope)?
        .collect::<Result<Vec<_>>>()?;
    let covered = covered(&envelopes, limit, latest);
    if !listener.role.is_staff() {
        for event in &mut envelopes {
            event.named = named(conn, event.seq)?;
        }
    }
    envelopes.retain(|event| listener.may_hear(event));
    Ok(Page { envelopes, covered })
}

fn covered(envelopes: &[Envelope], limit: usize, latest: i64) -> i64 {
    match envelopes.last() {
        Some(last) if envelopes.len() >= limit => last.seq,
        _ => latest,
    }
}

/// All events of all tenants in `(after, up_to]`, whole: what the ringer reads when it lags.
pub(crate) fn between(
    conn: &Connection,
    after: i64,
    up_to: i64,
    limit: usize,
) -> Result<Vec<Envelope>> {
    let sql = format!(
        "select {COLUMNS} from events e
         where e.seq > ?1 and e.seq <= ?2 and e.data is not null order by e.seq limit ?3"
    );
    let mut envelopes = conn
        .prepare_cached(&sql)?
        .query_and_then((after, up_to, rows(limit)), envelope)?
        .collect::<Result<Vec<_>>>()?;
    for event in &mut envelopes {
        event.named = named(conn, event.seq)?;
    }
    Ok(envelopes)
}

/// One event of a tenant, if its data is still kept.
///
/// # Errors
/// When the database refuses.
pub fn at(conn: &Connection, tenant: TenantId, seq: i64) -> Result<Option<Envelope>> {
    let sql = format!(
        "select {COLUMNS} from events e
         where e.tenant_id = ?1 and e.seq = ?2 and e.data is not null"
    );
    let found =
        conn.prepare_cached(&sql)?.query_and_then((tenant, seq), envelope)?.next().transpose()?;
    found
        .map(|mut event| {
            event.named = named(conn, event.seq)?;
            Ok(event)
        })
        .transpose()
}

fn named(conn: &Connection, seq: i64) -> Result<Box<[UserId]>> {
    let users = conn
        .prepare_cached("select user_id from event_users where seq = ?1")?
        .query_map([seq], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<UserId>>>()?;
    Ok(users.into())
}

fn envelope(row: &Row<'_>) -> Result<Envelope> {
    let word = |column| -> Result<String> { Ok(row.get(column)?) };
    let json = |column| -> Result<Box<RawValue>> {
        RawValue::from_string(row.get(column)?).map_err(Error::internal)
    };
    let audience = word(4)?.parse::<Audience>().map_err(|()| Error::internal("audience"))?;
    Ok(Envelope {
        seq: row.get(0)?,
        id: super::read_uuid(row.get_ref(1)?).map_err(Error::internal)?,
        tenant: row.get(2)?,
        kind: Kind::from_log(&word(3)?),
        audience,
        named: Box::default(),
        // Rooms were once named more freely: such an event is in the log, and rung nowhere.
        room: word(5)?.parse::<Room>().unwrap_or(Room::Nowhere),
        at_ms: row.get(6)?,
        actor: json(7)?,
        data: json(8)?,
        changes: match row.get(9)? {
            Some(text) => Some(RawValue::from_string(text).map_err(Error::internal)?),
            None => None,
        },
        frames: Frames::default(),
    })
}

fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
