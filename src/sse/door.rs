//! Letting a client in, and reading where it was.

use super::{
    stream::{self, From},
    tongue::{Asked, StreamTongue},
};
use crate::{
    error::{Error, Result},
    http::{Client, Core, May, QueryOf, Via, permission::ReadEvents, user_agent},
    hub::{Arrival, Close, Outbox},
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use serde::Deserialize;
use std::sync::Arc;

/// The header of a browser that comes back: `<epoch>-<seq>`.
const LAST_EVENT_ID: &str = "last-event-id";

/// The query of `GET /events/stream`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Send what was committed after this `seq` first.
    since: Option<i64>,
    /// The history that `since` belongs to.
    epoch: Option<String>,
}

/// `GET /events/stream`: events as they are committed, after those missed since `Last-Event-ID` or
/// `since`.
///
/// # Errors
/// 401, 403 for programs' tokens, 422 for what is no place in the log, 503 when there are too many
/// connections.
pub async fn open(
    State(core): State<Core>,
    who: May<ReadEvents>,
    client: Client,
    headers: HeaderMap,
    QueryOf(query): QueryOf<Query>,
) -> Result<Response> {
    if let Via::ApiToken(_) = who.via {
        return Err(Error::Forbidden(
            "streams are for people: sign in, or wait with GET /events?after=…&wait=25",
        ));
    }
    let from = place(&headers, query)?;
    core.accepts.check().map_err(|_| Error::Busy(std::time::Duration::from_secs(1)))?;
    let arrival = Arrival {
        who: who.listener(),
        name: who.name.clone(),
        session: who.session,
        expires_at: who.expires_at,
        address: client.address,
        user_agent: user_agent(&headers),
        tongue: Arc::new(StreamTongue { epoch: core.db.epoch().into() }),
        out: Arc::new(Outbox::new(core.clock(), Box::new(Asked))),
        held: true,
        signs: false,
    };
    let connection = core.hub.connect(arrival).await?;
    // Whoever ended the sign-in since it was checked did not find this connection in the hub yet.
    if !who.again(&core).await.is_ok_and(|now| now.role == who.role) {
        connection.close(Close::Unauthorized);
    }
    let mut response = Response::new(stream::body(core, connection, from));
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would collect events until its buffer is full.
    head.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Where the client was. What a browser remembers is newer than what the page's address says.
fn place(headers: &HeaderMap, query: Query) -> Result<Option<From>> {
    let Some(id) = headers.get(LAST_EVENT_ID) else {
        return Ok(query.since.map(|since| From { since, epoch: query.epoch }));
    };
    let from = id.to_str().ok().and_then(read_id);
    let from = from.map(|(epoch, since)| From { since, epoch: Some(epoch.to_owned()) });
    from.map(Some).ok_or_else(|| Error::field("Last-Event-ID", "must be `<epoch>-<seq>`"))
}

/// The epoch and the `seq` of an event's id; an epoch may have hyphens of its own.
pub fn read_id(id: &str) -> Option<(&str, i64)> {
    let (epoch, seq) = id.rsplit_once('-')?;
    Some((epoch, seq.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(id: Option<&'static str>, query: Query) -> String {
        let mut headers = HeaderMap::new();
        if let Some(id) = id {
            headers.insert(LAST_EVENT_ID, HeaderValue::from_static(id));
        }
        match place(&headers, query) {
            Ok(Some(From { since, epoch })) => format!("{since} of {epoch:?}"),
            Ok(None) => String::from("now"),
            Err(_) => String::from("refused"),
        }
    }

    #[test]
    fn what_the_browser_remembers_goes_before_the_address() {
        let asked = || Query { since: Some(3), epoch: Some("old".into()) };
        let table = [
            (None, Query::default(), "now"),
            (None, asked(), r#"3 of Some("old")"#),
            (Some("a-b-12"), asked(), r#"12 of Some("a-b")"#),
            (Some("a--1"), asked(), r#"1 of Some("a-")"#),
            (Some("12"), asked(), "refused"),
            (Some("a-x"), asked(), "refused"),
            (Some(""), asked(), "refused"),
        ];
        for (id, query, expected) in table {
            assert_eq!(read(id, query), expected, "{id:?}");
        }
    }
}
