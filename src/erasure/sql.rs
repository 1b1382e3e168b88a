//! Statements of forgetting: where text stands, how it is walked, and how far a job has come.

use crate::{
    db::{Write, read_uuid},
    error::{Error, Result},
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension, Row, types::Value};

/// Rows looked at in one step, and bytes of their text; whichever comes first ends it.
const STEP: usize = 500;
const STEP_BYTES: usize = 4 << 20;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// What somebody wrote: only the person's own rows are rewritten.
    Written,
    /// The same as JSON.
    WrittenJson,
    /// Sentences of ours.
    Told,
    /// What a receiver of webhooks answered.
    Answered,
    /// A copy of an entity or an answer.
    Copied,
}

/// What must follow when a row was rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    IndexTicket,
    IndexComment,
    IndexArticle,
}

/// One table with text that may name somebody.
pub(super) struct Place {
    pub(super) table: &'static str,
    /// The columns it is walked by; as many as its primary key has.
    keys: &'static [&'static str],
    /// Whose a row is.
    tenant: &'static str,
    /// Whether a row is the person's own; `?2` is the person.
    own: &'static str,
    pub(super) columns: &'static [(&'static str, Text)],
    pub(super) then: Then,
}

impl Place {
    const fn new(
        table: &'static str,
        keys: &'static [&'static str],
        own: &'static str,
        columns: &'static [(&'static str, Text)],
    ) -> Self {
        Self { table, keys, tenant: "tenant_id", own, columns, then: Then::Nothing }
    }

    const fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

use Text::{Answered, Copied, Told, Written, WrittenJson};

const KEPT: &[(&str, Text)] = &[("name", Written), ("body", WrittenJson)];
const OWNED: &str = "owner_id is ?2";

/// The log comes last: what was under way when the job began has long been said.
pub(super) const PLACES: [Place; 22] = [
    Place::new(
        "tickets",
        &["rid"],
        "requester_id = ?2 or created_by is ?2",
        &[
            ("subject", Written),
            ("description", Written),
            ("tags", WrittenJson),
            ("custom", WrittenJson),
        ],
    )
    .then(Then::IndexTicket),
    Place::new("comments", &["rid"], "author_id = ?2", &[("body", Written)])
        .then(Then::IndexComment),
    Place::new("attachments", &["id"], "uploaded_by = ?2", &[("filename", Written)]),
    Place::new(
        "kb_articles",
        &["rid"],
        "author_id = ?2",
        &[("title", Written), ("body", Written), ("excerpt", Written), ("tags", WrittenJson)],
    )
    .then(Then::IndexArticle),
    Place::new(
        "chats",
        &["rid"],
        "customer_id is ?2",
        &[("visitor_name", Written), ("visitor_email", Written)],
    ),
    Place::new("chat_messages", &["chat_id", "number"], "author_id is ?2", &[("body", Written)]),
    Place::new("macros", &["id"], OWNED, KEPT),
    Place::new("views", &["id"], OWNED, KEPT),
    Place::new("sla_policies", &["id"], OWNED, KEPT),
    Place::new("calendars", &["id"], OWNED, KEPT),
    Place::new(
        "agent_states",
        &["user_id"],
        "user_id = ?2",
        &[("reason", Written), ("next_reason", Written)],
    ),
    Place::new("agent_state_history", &["id"], "user_id = ?2", &[("reason", Written)]),
    Place::new(
        "calls",
        &["rid"],
        "agent_id is ?2",
        &[
            ("from_number", Told),
            ("from_name", Told),
            ("to_number", Told),
            ("peer", Told),
            ("disposition", Written),
            ("note", Written),
        ],
    ),
    Place {
        table: "call_steps",
        keys: &["id"],
        tenant: "(select tenant_id from calls where calls.rid = call_rid)",
        own: "0",
        columns: &[("data", Told)],
        then: Then::Nothing,
    },
    Place::new("api_tokens", &["id"], "created_by = ?2", &[("name", Written)]),
    Place::new("pbxs", &["id"], "created_by = ?2", &[("name", Written)]),
    Place::new("notifications", &["user_id", "event_seq"], "0", &[("message", Told)]),
    Place::new("received_notifications", &["id"], "0", &[("body", Copied)]),
    Place::new("idempotency_keys", &["tenant_id", "key"], "0", &[("body", Copied)]),
    Place {
        table: "attempts",
        keys: &["id"],
        tenant: "(select tenant_id from endpoints where endpoints.id = endpoint_id)",
        own: "0",
        columns: &[("error", Answered), ("response_body", Answered)],
        then: Then::Nothing,
    },
    ACCOUNTS,
    Place::new(
        "events",
        &["seq"],
        "0",
        &[("actor", Copied), ("data", Copied), ("changes", Copied)],
    ),
];

/// What the log says of accounts: there stands by which words somebody was known.
pub(super) const ACCOUNTS: Place = Place::new(
    "events",
    &["seq"],
    "kind in ('user.created', 'user.updated', 'user.deleted')",
    &[("data", Copied), ("changes", Copied)],
);

/// The key of a row, to go on after.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key(Value, Value);

/// One row as it was found.
pub(super) struct Found {
    pub(super) key: Key,
    pub(super) is_own: bool,
    /// Empty for another tenant's.
    pub(super) texts: Vec<Option<String>>,
}

/// The next rows of a place; none at its end.
pub(super) fn rows(
    conn: &Connection,
    place: &Place,
    (tenant, user): (TenantId, UserId),
    after: Option<&Key>,
) -> Result<Vec<Found>> {
    let (keys, whose) = (place.keys.join(", "), place.tenant);
    let columns = place.columns.iter().map(|(column, _)| {
        // Another tenant's text is not even read.
        format!("case when {whose} = ?1 then {column} end")
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let beyond = match (after, place.keys.len()) {
        (None, _) => String::new(),
        (Some(_), 1) => format!("where {keys} > ?3"),
        (Some(_), _) => format!("where ({keys}) > (?3, ?4)"),
    };
    let second = place.keys.get(1).unwrap_or(&"null");
    let sql = format!(
        "select {}, {second}, {whose} = ?1 and ({}), {columns} from {} {beyond}
         order by {keys} limit {STEP}",
        place.keys.first().unwrap_or(&"null"),
        place.own,
        place.table,
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let values: [&dyn rusqlite::ToSql; 4] = match after {
        Some(Key(first, second)) => [&tenant, &user, first, second],
        None => [&tenant, &user, &rusqlite::types::Null, &rusqlite::types::Null],
    };
    for (at, value) in (1..=statement.parameter_count()).zip(values) {
        statement.raw_bind_parameter(at, value)?;
    }
    let (mut found, mut bytes) = (Vec::new(), 0);
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let row = one(row, place.columns.len())?;
        bytes += row.texts.iter().flatten().map(String::len).sum::<usize>();
        found.push(row);
        if bytes > STEP_BYTES {
            break;
        }
    }
    Ok(found)
}

fn one(row: &Row<'_>, columns: usize) -> Result<Found> {
    let texts = (3..3 + columns).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?;
    let is_own: Option<bool> = row.get(2)?;
    Ok(Found { key: Key(row.get(0)?, row.get(1)?), is_own: is_own.unwrap_or(false), texts })
}

/// Stores the texts of a row anew.
pub(super) fn rewrite(
    conn: &Connection,
    place: &Place,
    key: &Key,
    texts: &[Option<String>],
) -> Result<()> {
    let set: Vec<_> = place
        .columns
        .iter()
        .zip(3..)
        .map(|((column, _), at)| format!("{column} = ?{at}"))
        .collect();
    let key_is: Vec<_> =
        place.keys.iter().zip(1..).map(|(column, at)| format!("{column} = ?{at}")).collect();
    let sql =
        format!("update {} set {} where {}", place.table, set.join(", "), key_is.join(" and "));
    let mut statement = conn.prepare_cached(&sql)?;
    statement.raw_bind_parameter(1, &key.0)?;
    if place.keys.len() > 1 {
        statement.raw_bind_parameter(2, &key.1)?;
    }
    for (text, at) in texts.iter().zip(3..) {
        statement.raw_bind_parameter(at, text)?;
    }
    statement.raw_execute()?;
    Ok(())
}

/// The id of the row that a key names, where a table has one beside it.
pub(super) fn id_of(conn: &Connection, place: &Place, key: &Key) -> Result<EntityId> {
    let sql = format!("select id from {} where rid = ?1", place.table);
    Ok(conn.prepare_cached(&sql)?.query_row([&key.0], |row| row.get(0))?)
}

/// A job and how far it has come.
pub(super) struct Job {
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    pub(super) words: Vec<String>,
    pub(super) place: usize,
    pub(super) after: Option<Key>,
}

/// Somebody who is to be forgotten, of any tenant: the job works for all of them.
pub(super) fn next(conn: &Connection) -> Result<Option<Job>> {
    let found = conn
        .prepare_cached(
            "select tenant_id, user_id, words, place, after_key, after_more from erasures limit 1",
        )?
        .query_row([], |row| {
            let words: String = row.get(2)?;
            let place: i64 = row.get(3)?;
            let (first, second): (Value, Value) = (row.get(4)?, row.get(5)?);
            let after = (first != Value::Null).then_some(Key(first, second));
            Ok((row.get(0)?, UserId(read_uuid(row.get_ref(1)?)?), words, place, after))
        })
        .optional()?;
    let Some((tenant, user, words, place, after)) = found else { return Ok(None) };
    let words = serde_json::from_str(&words).map_err(Error::internal)?;
    let place = usize::try_from(place).map_err(Error::internal)?;
    Ok(Some(Job { tenant, user, words, place, after }))
}

/// Begins a job, unless there is one for that person already.
pub(super) fn begin(w: &Write<'_>, tenant: TenantId, user: UserId, words: &[String]) -> Result<()> {
    let words = serde_json::to_string(words).map_err(Error::internal)?;
    w.prepare_cached(
        "insert into erasures (user_id, tenant_id, words) values (?1, ?2, ?3)
         on conflict do nothing",
    )?
    .execute((user, tenant, words))?;
    Ok(())
}

/// Notes how far a job has come.
pub(super) fn note(w: &Write<'_>, job: &Job) -> Result<()> {
    let words = serde_json::to_string(&job.words).map_err(Error::internal)?;
    let Key(first, second) = job.after.clone().unwrap_or(Key(Value::Null, Value::Null));
    let place = i64::try_from(job.place).map_err(Error::internal)?;
    w.prepare_cached(
        "update erasures set words = ?3, place = ?4, after_key = ?5, after_more = ?6
         where tenant_id = ?1 and user_id = ?2",
    )?
    .execute((job.tenant, job.user, words, place, first, second))?;
    Ok(())
}

/// Ends a job. Failed sign-ins are counted by e-mail address for a minute; those go now.
pub(super) fn finish(w: &Write<'_>, job: &Job) -> Result<()> {
    for email in job.words.iter().filter(|word| word.contains('@')) {
        let email = email.to_lowercase();
        w.prepare_cached("delete from login_failures where counted_for = 'account:' || ?1")?
            .execute([&email])?;
        w.prepare_cached(
            "delete from login_failures where substr(counted_for, 1, 5) = 'both:'
               and substr(counted_for, -length(?1) - 1) = ':' || ?1",
        )?
        .execute([&email])?;
    }
    w.prepare_cached("delete from erasures where tenant_id = ?1 and user_id = ?2")?
        .execute((job.tenant, job.user))?;
    Ok(())
}

/// Whether what is deleted or replaced from now on is overwritten in the file as well, in the text
/// index too.
pub(super) fn overwrite(conn: &Connection, yes: bool) -> Result<()> {
    let pages = if yes { "on" } else { "fast" };
    conn.pragma_update_and_check(None, "secure_delete", pages, |_| Ok(()))?;
    for table in ["search_open", "search_internal"] {
        conn.prepare_cached(&format!(
            "insert into {table} ({table}, rank) values ('secure-delete', ?1)"
        ))?
        .execute([yes])?;
    }
    Ok(())
}
