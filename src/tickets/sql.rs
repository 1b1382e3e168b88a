//! Statements over tickets, one at a time; lists have their own.

use super::{
    Participants, Which,
    ticket::{StaffFields, Ticket},
    words::Priority,
};
use crate::{
    auth::Role,
    db::Write,
    error::{Error, OrNotFound as _, Result},
    event::Listener,
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::{Serialize, de::DeserializeOwned};
use std::str::FromStr;

/// The columns that [`ticket`] reads, of a table called `t`.
pub(super) const COLUMNS: &str = "t.rid, t.id, t.tenant_id, t.version, t.created_at, t.updated_at, \
     t.deleted_at, t.number, t.subject, t.description, t.status, t.priority, t.type, t.channel, \
     t.requester_id, t.assignee_id, t.team_id, t.created_by, t.tags, t.custom, t.followers, \
     t.due_at, t.first_responded_at, t.resolved_at, t.closed_at, t.reopened_count, \
     t.waiting_since, t.comment_count, t.last_comment_at, t.merged_into_id, t.call_id, t.chat_id, \
     t.first_response_due_at, t.resolution_due_at, t.last_activity_at, t.internal_note_count";

/// Reads a row of [`COLUMNS`].
pub(super) fn ticket(row: &Row<'_>) -> Result<Ticket> {
    let priority = Priority::from_rank(row.get(11)?);
    Ok(Ticket {
        rid: row.get(0)?,
        id: row.get(1)?,
        tenant_id: row.get(2)?,
        version: row.get(3)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
        deleted_at: row.get(6)?,
        number: row.get(7)?,
        subject: row.get(8)?,
        description: row.get(9)?,
        status: word(row, 10)?,
        priority: priority.ok_or_else(|| Error::internal("an unknown priority"))?,
        kind: row.get(12)?,
        channel: word(row, 13)?,
        requester_id: row.get(14)?,
        assignee_id: row.get(15)?,
        team_id: row.get(16)?,
        created_by: row.get(17)?,
        tags: json(row, 18)?,
        custom: json(row, 19)?,
        followers: json(row, 20)?,
        due_at: row.get(21)?,
        first_responded_at: row.get(22)?,
        resolved_at: row.get(23)?,
        closed_at: row.get(24)?,
        reopened_count: row.get(25)?,
        waiting_since: row.get(26)?,
        comment_count: row.get(27)?,
        last_comment_at: row.get(28)?,
        merged_into_id: row.get(29)?,
        call_id: row.get(30)?,
        chat_id: row.get(31)?,
        staff: StaffFields {
            first_response_due_at: row.get(32)?,
            resolution_due_at: row.get(33)?,
            last_activity_at: row.get(34)?,
            internal_note_count: row.get(35)?,
        },
    })
}

fn word<T: FromStr>(row: &Row<'_>, column: usize) -> Result<T> {
    row.get_ref(column)?
        .as_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::internal("an unknown word in a ticket"))
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(Error::internal)?;
    serde_json::from_str(text).map_err(Error::internal)
}

/// A ticket of a tenant, deleted or not.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &Connection, tenant: TenantId, id: EntityId) -> Result<Option<Ticket>> {
    let sql = format!("select {COLUMNS} from tickets t where t.tenant_id = ?1 and t.id = ?2");
    conn.prepare_cached(&sql)?.query_and_then((tenant, id), ticket)?.next().transpose()
}

/// The id of a ticket that a path names.
///
/// # Errors
/// 404 for a number that no ticket of the tenant has; an id is not looked up.
pub fn id_of(conn: &Connection, tenant: TenantId, which: Which) -> Result<EntityId> {
    let number = match which {
        Which::Id(id) => return Ok(id),
        Which::Number(number) => number,
    };
    conn.prepare_cached("select id from tickets where tenant_id = ?1 and number = ?2")?
        .query_row((tenant, number), |row| row.get(0))
        .optional()?
        .or_not_found("ticket")
}

/// A ticket, if `who` may see it. A deleted one nobody may.
///
/// # Errors
/// When the database refuses.
pub fn visible(conn: &Connection, who: &Listener, id: EntityId) -> Result<Option<Ticket>> {
    Ok(find(conn, who.tenant, id)?.filter(|ticket| ticket.is_visible_to(who)))
}

/// Who is on a ticket, and who of them is staff.
///
/// # Errors
/// When the database refuses.
pub fn participants(conn: &Connection, ticket: &Ticket) -> Result<Participants> {
    let mut people = Participants {
        requester: ticket.requester_id,
        assignee: ticket.assignee_id,
        followers: ticket.followers.clone(),
        staff_followers: Vec::new(),
        customers: vec![ticket.requester_id],
    };
    for follower in &ticket.followers {
        match account(conn, ticket.tenant_id, *follower)? {
            Some((role, _)) if role.is_staff() => people.staff_followers.push(*follower),
            Some(_) => people.customers.push(*follower),
            None => {}
        }
    }
    Ok(people)
}

/// The role of somebody whose account was not deleted, and whether it is active.
pub(super) fn account(
    conn: &Connection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<(Role, bool)>> {
    let sql = "select role, is_active from users
               where tenant_id = ?1 and id = ?2 and deleted_at is null";
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    Ok(conn.prepare_cached(sql)?.query_row((tenant, user), row).optional()?)
}

/// How many tickets somebody works on that are not over.
pub(super) fn open_count(conn: &Connection, tenant: TenantId, user: UserId) -> Result<i64> {
    let sql = "select count(*) from tickets where tenant_id = ?1 and assignee_id = ?2
                 and status not in ('resolved', 'closed') and deleted_at is null";
    Ok(conn.prepare_cached(sql)?.query_row((tenant, user), |row| row.get(0))?)
}

/// All staff who may sign in.
pub(super) fn all_staff(conn: &Connection, tenant: TenantId) -> Result<Vec<UserId>> {
    let sql = "select id from users where tenant_id = ?1
                 and role in ('agent', 'supervisor', 'admin') and is_active and deleted_at is null";
    let rows = conn.prepare_cached(sql)?.query_map([tenant], |row| row.get(0))?.collect();
    Ok(Result::<_, rusqlite::Error>::from(rows)?)
}

/// The number of the tenant's next ticket; rows are never removed, so none is given out twice.
pub(super) fn next_number(conn: &Connection, tenant: TenantId) -> Result<i64> {
    let sql = "select coalesce(max(number), 0) + 1 from tickets where tenant_id = ?1";
    Ok(conn.prepare_cached(sql)?.query_row([tenant], |row| row.get(0))?)
}

/// Stores a new ticket, and gives it its `rid`.
pub(super) fn insert(w: &mut Write<'_>, t: &mut Ticket) -> Result<()> {
    w.prepare_cached(
        "insert into tickets (id, tenant_id, number, subject, description, status, priority, type,
           channel, requester_id, assignee_id, team_id, created_by, tags, custom, followers,
           due_at, resolved_at, closed_at, waiting_since, call_id, chat_id, last_activity_at,
           version, created_at, updated_at)
         values (:id, :tenant, :number, :subject, :description, :status, :priority, :type,
           :channel, :requester, :assignee, :team, :created_by, :tags, :custom, :followers,
           :due, :resolved, :closed, :waiting, :call, :chat, :activity, :version, :created,
           :updated)",
    )?
    .execute(named_params! {
        ":id": t.id, ":tenant": t.tenant_id, ":number": t.number, ":subject": t.subject,
        ":description": t.description, ":status": t.status.name(), ":priority": t.priority.rank(),
        ":type": t.kind, ":channel": t.channel.name(), ":requester": t.requester_id,
        ":assignee": t.assignee_id, ":team": t.team_id, ":created_by": t.created_by,
        ":tags": text(&t.tags)?, ":custom": text(&t.custom)?, ":followers": text(&t.followers)?,
        ":due": t.due_at, ":resolved": t.resolved_at, ":closed": t.closed_at,
        ":waiting": t.waiting_since, ":call": t.call_id, ":chat": t.chat_id,
        ":activity": t.staff.last_activity_at, ":version": t.version, ":created": t.created_at,
        ":updated": t.updated_at,
    })?;
    t.rid = w.last_insert_rowid();
    add_tags(w, t, &t.tags)?;
    add_followers(w, t, &t.followers)?;
    put_words(w, t, false);
    Ok(())
}

/// Stores every change of a ticket.
pub(super) fn update(w: &mut Write<'_>, before: &Ticket, t: &Ticket) -> Result<()> {
    w.prepare_cached(
        "update tickets set subject = :subject, description = :description, status = :status,
           priority = :priority, type = :type, requester_id = :requester, assignee_id = :assignee,
           team_id = :team, tags = :tags, custom = :custom, followers = :followers, due_at = :due,
           first_responded_at = :responded, resolved_at = :resolved, closed_at = :closed,
           reopened_count = :reopened, waiting_since = :waiting, comment_count = :comments,
           last_comment_at = :last_comment, merged_into_id = :merged,
           last_activity_at = :activity, internal_note_count = :notes, version = :version,
           updated_at = :updated, deleted_at = :deleted
         where rid = :rid and tenant_id = :tenant",
    )?
    .execute(named_params! {
        ":rid": t.rid, ":tenant": t.tenant_id, ":subject": t.subject,
        ":description": t.description, ":status": t.status.name(), ":priority": t.priority.rank(),
        ":type": t.kind, ":requester": t.requester_id, ":assignee": t.assignee_id,
        ":team": t.team_id, ":tags": text(&t.tags)?, ":custom": text(&t.custom)?,
        ":followers": text(&t.followers)?, ":due": t.due_at, ":responded": t.first_responded_at,
        ":resolved": t.resolved_at, ":closed": t.closed_at, ":reopened": t.reopened_count,
        ":waiting": t.waiting_since, ":comments": t.comment_count,
        ":last_comment": t.last_comment_at, ":merged": t.merged_into_id,
        ":activity": t.staff.last_activity_at, ":notes": t.staff.internal_note_count,
        ":version": t.version, ":updated": t.updated_at, ":deleted": t.deleted_at,
    })?;
    if before.tags != t.tags || before.deleted_at != t.deleted_at {
        w.prepare_cached("delete from ticket_tags where ticket_rid = ?1")?.execute([t.rid])?;
        add_tags(w, t, if t.deleted_at.is_none() { &t.tags } else { &[] })?;
    }
    if before.followers != t.followers {
        w.prepare_cached("delete from ticket_followers where ticket_rid = ?1")?.execute([t.rid])?;
        add_followers(w, t, &t.followers)?;
    }
    if before.subject != t.subject {
        put_words_anew(w, t);
    }
    Ok(())
}

/// Stores what only staff may see; nothing that a list of customers is sorted by moves.
pub(super) fn update_staff_fields(conn: &Connection, t: &Ticket) -> Result<()> {
    conn.prepare_cached(
        "update tickets set last_activity_at = ?3, internal_note_count = ?4,
           first_response_due_at = ?5, resolution_due_at = ?6
         where tenant_id = ?1 and id = ?2",
    )?
    .execute((
        t.tenant_id,
        t.id,
        t.staff.last_activity_at,
        t.staff.internal_note_count,
        t.staff.first_response_due_at,
        t.staff.resolution_due_at,
    ))?;
    Ok(())
}

fn text(of: &impl Serialize) -> Result<String> {
    serde_json::to_string(of).map_err(Error::internal)
}

fn add_tags(conn: &Connection, t: &Ticket, tags: &[String]) -> Result<()> {
    for tag in tags {
        conn.prepare_cached("insert or ignore into ticket_tags values (?1, ?2, ?3)")?.execute((
            t.tenant_id,
            tag,
            t.rid,
        ))?;
    }
    Ok(())
}

fn add_followers(conn: &Connection, t: &Ticket, followers: &[UserId]) -> Result<()> {
    for follower in followers {
        conn.prepare_cached("insert or ignore into ticket_followers values (?1, ?2)")?
            .execute((t.rid, follower))?;
    }
    Ok(())
}

/// The word in `who` that the tickets of a tenant are found by.
pub(super) fn tenant_word(tenant: TenantId) -> String {
    format!("t{}", tenant.0.simple())
}

/// Puts the words of a subject anew.
pub(super) fn put_words_anew(w: &mut Write<'_>, t: &Ticket) {
    put_words(w, t, true);
}

/// Makes a ticket findable by the words of its subject; `anew` if it was by other words.
fn put_words(w: &mut Write<'_>, t: &Ticket, anew: bool) {
    let (rid, who, subject) = (t.rid, tenant_word(t.tenant_id), t.subject.clone());
    w.at_the_end(move |last| {
        if anew {
            last.prepare_cached("delete from ticket_words where rowid = ?1")?.execute([rid])?;
        }
        last.prepare_cached("insert into ticket_words (rowid, who, subject) values (?1, ?2, ?3)")?
            .execute((rid, who, subject))?;
        Ok(())
    });
}
