//! `/events`.

use super::{BATCH_MAX, Publication, Publish, sql, types::Types};
use crate::{
    db::{self, Said, Write},
    error::{Error, OrNotFound as _, Result},
    event::{Actor, Envelope, Listed, pattern},
    http::{
        Core, Json, May, PathOf, QueryOf, idempotency, ok,
        permission::{PublishEvents, ReadEvents, Staff},
    },
    id::TenantId,
};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Events of one page unless asked for fewer or more.
const LIMIT: usize = 100;

/// Most events of one page.
const LIMIT_MAX: usize = 500;

/// Rows of the log looked at for one page: a rare type must not read the whole log at once.
const ROWS_MAX: usize = 5_000;

/// `POST /events`: says a custom event.
///
/// # Errors
/// 422 naming what is wrong; 409 for a key used for something else.
pub async fn publish(
    State(core): State<Core>,
    State(types): State<Types>,
    who: May<PublishEvents>,
    headers: HeaderMap,
    Json(body): Json<Publish>,
) -> Result<Response> {
    let (publication, data) = body.check("")?;
    let (tenant, actor) = (who.tenant, who.actor());
    types.check(&core.db, (tenant, publication.name()), &data, "").await?;
    drop(data);
    idempotency::once(&core.db, &who, &headers, &body, move |w| {
        say(w, tenant, &actor, &publication, "")
    })
    .await
}

/// What `POST /events/batch` takes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    events: Vec<Publish>,
}

/// `POST /events/batch`: says up to 100, all or none.
///
/// # Errors
/// As [`publish`], with the index in the field's name.
pub async fn publish_batch(
    State(core): State<Core>,
    State(types): State<Types>,
    who: May<PublishEvents>,
    headers: HeaderMap,
    Json(body): Json<Batch>,
) -> Result<Response> {
    if body.events.is_empty() || body.events.len() > BATCH_MAX {
        return Err(Error::field("events", format!("must be 1 to {BATCH_MAX} events")));
    }
    let mut checked: Vec<(String, Publication)> = Vec::with_capacity(body.events.len());
    for (i, event) in body.events.iter().enumerate() {
        let at = format!("events[{i}].");
        let (publication, data) = event.check(&at)?;
        types.check(&core.db, (who.tenant, publication.name()), &data, &at).await?;
        checked.push((at, publication));
    }
    let (tenant, actor) = (who.tenant, who.actor());
    idempotency::once(&core.db, &who, &headers, &body, move |w| {
        checked.iter().map(|(at, p)| say(w, tenant, &actor, p, at)).collect::<Result<Vec<_>>>()
    })
    .await
}

fn say(
    w: &mut Write<'_>,
    tenant: TenantId,
    actor: &Actor,
    publication: &Publication,
    at: &str,
) -> Result<Said> {
    for user in publication.users() {
        if !sql::has_user(w, tenant, user)? {
            return Err(Error::field(format!("{at}user_id"), "there is no such user"));
        }
    }
    w.say(publication.say(tenant, actor.clone())?)
}

/// The query of `GET /events`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(default)]
    after: i64,
    epoch: Option<String>,
    limit: Option<usize>,
    #[serde(rename = "type")]
    kinds: Option<String>,
}

/// `GET /events`: what the caller may hear after a `seq`, oldest first, in whatever room it was.
///
/// # Errors
/// 410 `resync_required` when the log cannot answer from there; 422 for a bad query.
pub async fn list(
    State(core): State<Core>,
    who: May<ReadEvents>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Result<Response> {
    let limit = wanted.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::field("limit", format!("must be 1 to {LIMIT_MAX}")));
    }
    if wanted.after < 0 {
        return Err(Error::field("after", "must be 0 or more"));
    }
    let listener = who.listener();
    let (db, after) = (core.db.clone(), wanted.after);
    let (log, found, covered) = core
        .db
        .read(move |r| {
            let log = db::log_bounds(r)?;
            db.may_resume(log, after, wanted.epoch.as_deref()).map_err(|reason| {
                let why = format!("events after {after} cannot be listed whole: {reason}");
                Error::Gone("resync_required", why)
            })?;
            let kinds = wanted.kinds.as_deref();
            let wants = |event: &Envelope| {
                kinds.is_none_or(|k| k.split(',').any(|p| pattern::matches(p, event.kind.name())))
            };
            let (mut found, mut covered, mut rows) = (Vec::new(), after, 0);
            while found.len() < limit && rows < ROWS_MAX {
                let page = db::events_audible_after(r, &listener, covered, limit)?;
                let at_the_end = page.covered == covered;
                covered = page.covered;
                rows += limit;
                for event in page.envelopes.into_iter().filter(wants) {
                    if found.len() == limit {
                        break;
                    }
                    found.push(event);
                }
                if at_the_end {
                    break;
                }
            }
            if let Some(last) = found.get(limit - 1) {
                covered = last.seq;
            }
            Ok((log, found, covered))
        })
        .await?;
    let meta = json!({
        "latest_seq": log.latest,
        "oldest_seq": log.oldest,
        "epoch": core.db.epoch(),
        "next_after": covered,
    });
    let listed: Vec<Listed<'_>> = found.iter().map(Listed::from).collect();
    Ok(ok(listed).with_meta(meta).into_response())
}

/// `GET /events/{seq}`: one event, if its audience includes the caller.
///
/// # Errors
/// 404 when there is none, or its data is no longer kept.
pub async fn show(
    State(core): State<Core>,
    who: May<Staff>,
    PathOf(seq): PathOf<i64>,
) -> Result<Response> {
    let listener = who.listener();
    let found = core.db.read(move |r| db::event_at(r, listener.tenant, seq)).await?;
    let event = found.filter(|event| listener.may_hear(event)).or_not_found("event")?;
    Ok(ok(Listed::from(&event)).into_response())
}
