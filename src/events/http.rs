//! `/events`.

use super::{BATCH_MAX, Publication, Publish, sql, types::Types};
use crate::{
    db::{self, Said, Write},
    error::{Checks, Error, OrNotFound as _, Result},
    event::{Actor, Envelope, Listed, pattern},
    http::{
        Caller, Core, Json, May, PathOf, QueryOf, idempotency, ok,
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
use std::time::Duration;

/// Events of one page unless asked for fewer or more.
const LIMIT: usize = 100;

/// Most events of one page.
const LIMIT_MAX: usize = 500;

/// Rows of the log looked at for one page: a rare type must not read the whole log at once.
const ROWS_MAX: usize = 5_000;

/// Longest wait for something to be committed, seconds.
const WAIT_S_MAX: i64 = 60;

/// A busy log wakes everybody who waits all the time; nobody reads it more often than this.
const READ_EVERY: Duration = Duration::from_millis(20);

/// How often somebody who waits looks whether the server stops.
const LOOK_EVERY: Duration = Duration::from_millis(500);

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
    types.check((tenant, publication.name()), &data, "").await?;
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
        types.check((who.tenant, publication.name()), &data, &at).await?;
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
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(default)]
    after: i64,
    epoch: Option<String>,
    limit: Option<usize>,
    #[serde(rename = "type")]
    kinds: Option<String>,
    /// Seconds to wait for something when there is nothing yet.
    #[serde(default)]
    wait: i64,
}

impl Wanted {
    fn check(&self) -> Result<()> {
        let mut checks = Checks::new();
        checks.check(self.after >= 0, "after", "must be 0 or more");
        let limit = (1..=LIMIT_MAX).contains(&self.limit());
        checks.check(limit, "limit", "must be 1 to 500");
        let wait = (0..=WAIT_S_MAX).contains(&self.wait);
        checks.check(wait, "wait", "must be 0 to 60 seconds");
        checks.done()
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(LIMIT)
    }

    fn wants(&self, event: &Envelope) -> bool {
        let mut kinds = self.kinds.as_deref().into_iter().flat_map(|kinds| kinds.split(','));
        self.kinds.is_none() || kinds.any(|p| pattern::matches(p, event.kind.name()))
    }
}

/// A page of the log.
struct Found {
    log: db::Bounds,
    events: Vec<Envelope>,
    covered: i64,
}

/// `GET /events`: what the caller may hear after a `seq`, oldest first, in whatever room it was.
/// With `wait` an answer without events comes only when so many seconds have passed.
///
/// # Errors
/// 410 `resync_required` when the log cannot answer from there; 422 for a bad query; 429 and 503
/// when too many wait already.
pub async fn list(
    State(core): State<Core>,
    who: May<ReadEvents>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Result<Response> {
    wanted.check()?;
    let found = if wanted.wait == 0 {
        page(&core, &who, &wanted, wanted.after).await?
    } else {
        wait_for_page(&core, &who, &wanted).await?
    };
    let meta = json!({
        "latest_seq": found.log.latest,
        "oldest_seq": found.log.oldest,
        "epoch": core.db.epoch(),
        "next_after": found.covered,
    });
    let listed: Vec<Listed<'_>> = found.events.iter().map(Listed::from).collect();
    Ok(ok(listed).with_meta(meta).into_response())
}

/// The first page after `wanted.after` with something in it, or an empty one when time is up or the
/// server stops. No reader of the database is held meanwhile.
async fn wait_for_page(core: &Core, who: &Caller, wanted: &Wanted) -> Result<Found> {
    let _place = core.waiting.take(who.user)?;
    let until = core.clock().now_ms() + wanted.wait * 1_000;
    let mut from = wanted.after;
    loop {
        let mut news = std::pin::pin!(core.db.news());
        let found = page(core, who, wanted, from).await?;
        from = found.covered;
        let over = core.clock().now_ms() >= until || core.hub.is_stopping();
        if !found.events.is_empty() || over {
            // Their sign-in may have ended while they waited.
            who.again(core).await?;
            return Ok(found);
        }
        tokio::time::sleep(READ_EVERY).await;
        tokio::select! {
            () = news.as_mut() => {}
            () = core.clock().sleep_until(until) => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn page(core: &Core, who: &Caller, wanted: &Wanted, after: i64) -> Result<Found> {
    let (db, listener, wanted) = (core.db.clone(), who.listener(), wanted.clone());
    let read = core.db.read(move |r| {
        let log = db::log_bounds(r)?;
        db.may_resume(log, after, wanted.epoch.as_deref()).map_err(|reason| {
            let why = format!("events after {after} cannot be listed whole: {reason}");
            Error::Gone("resync_required", why)
        })?;
        let limit = wanted.limit();
        let (mut events, mut covered, mut rows) = (Vec::new(), after, 0);
        while events.len() < limit && rows < ROWS_MAX {
            let page = db::events_audible_after(r, &listener, covered, limit)?;
            let at_the_end = page.covered == covered;
            covered = page.covered;
            rows += limit;
            let room = limit - events.len();
            events.extend(page.envelopes.into_iter().filter(|e| wanted.wants(e)).take(room));
            if at_the_end {
                break;
            }
        }
        if let Some(last) = events.get(limit - 1) {
            covered = last.seq;
        }
        Ok(Found { log, events, covered })
    });
    read.await
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
