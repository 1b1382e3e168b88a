//! One socket of `/ws` from hello to goodbye.

use super::{
    frames::Message,
    inbound,
    pace::Pace,
    talk::{Allowance, Hear, Next, Talk},
};
use crate::{
    db::{Refused, log_bounds},
    error::Result,
    http::Core,
    hub::{self, Close, PING_EVERY_MS, Replayed, Session},
};
use bytes::Bytes;
use serde::Serialize;
use std::{future::Future, pin::Pin, sync::Arc};

/// What a client may send.
pub(super) const ALLOWED: Allowance =
    Allowance { message_max: 64 << 10, per_second: inbound::BYTES_PER_SECOND };

/// What the client asked for in the query.
#[derive(Debug)]
pub(super) struct Wishes {
    pub(super) since: Option<i64>,
    pub(super) epoch: Option<String>,
    pub(super) max: Option<u64>,
    pub(super) rooms: String,
    pub(super) hello: bool,
}

#[derive(Serialize)]
struct Hello<'a> {
    conn_id: u64,
    epoch: &'a str,
    latest_seq: i64,
    oldest_seq: i64,
    ping_ms: i64,
    token_ttl_s: i64,
}

#[derive(Serialize)]
struct Resync {
    reason: Refused,
    latest_seq: i64,
    oldest_seq: i64,
}

/// What a socket begins with, where it is not plain: rooms, hello, and a replay where asked for.
pub(super) async fn start(core: Core, session: Arc<Session>, wishes: Wishes) -> Result<()> {
    inbound::join_all(&core, &session, &wishes.rooms).await;
    if !wishes.hello {
        return Ok(());
    }
    let log = core.db.read(log_bounds).await?;
    let hello = |latest_seq| {
        let hello = Hello {
            conn_id: session.id,
            epoch: core.db.epoch(),
            latest_seq,
            oldest_seq: log.oldest,
            ping_ms: PING_EVERY_MS,
            token_ttl_s: (session.expires_at() - core.clock().now_ms()) / 1000,
        };
        message("hello", hello)
    };
    let Some(since) = wishes.since else {
        hub::go_live(&core.db, &session, hello).await;
        return Ok(());
    };
    session.send(hello(log.latest));
    resume(&core, &session, since, wishes.epoch.as_deref(), wishes.max).await
}

/// Replays to a held session what it missed.
pub(super) async fn resume(
    core: &Core,
    session: &Session,
    since: i64,
    epoch: Option<&str>,
    max: Option<u64>,
) -> Result<()> {
    let missed = hub::Missed { since, epoch, max };
    hub::replay(&core.hub, &core.db, session, missed, |outcome| told(outcome, None)).await
}

/// What a replay came to; one of a single room names it.
pub(super) fn told(outcome: Replayed, room: Option<&str>) -> Bytes {
    match outcome {
        Replayed::Whole(resumed) => message("resumed", InRoom { room, said: resumed }),
        Replayed::None(reason, log) => {
            let said = Resync { reason, latest_seq: log.latest, oldest_seq: log.oldest };
            message("resync_required", InRoom { room, said })
        }
    }
}

#[derive(Serialize)]
struct InRoom<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a str>,
    #[serde(flatten)]
    said: T,
}

fn message(kind: &str, payload: impl Serialize) -> Bytes {
    Message { kind, reference: None, payload }.frame().unwrap_or_else(|e| {
        tracing::error!(error = %e, kind, "a message could not be written");
        Bytes::new()
    })
}

/// What a socket begins with, while it lasts.
pub(super) type Start = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Serves a socket until either side ends it. `start` runs beside the reading and writing.
pub(super) async fn serve(
    mut talk: Box<Talk>,
    connection: hub::Connection,
    mut start: Option<Start>,
    core: Core,
) {
    let session: &Arc<Session> = &connection;
    let mut visitor = Visitor { core: &core, session, pace: Pace::default() };
    {
        let mut serving = std::pin::pin!(talk.serve(session, &mut visitor));
        loop {
            tokio::select! {
                _ = serving.as_mut() => break,
                outcome = poll(&mut start), if start.is_some() => {
                    start = None;
                    if let Err(e) = outcome {
                        tracing::error!(error = %e, "a replay failed; the client may try again");
                        session.close(Close::Restart);
                    }
                }
            }
        }
    }
    drop(start);
    // Boxed: it is needed once, at the end, and would make every open socket's task larger.
    Box::pin(talk.finish(session)).await;
}

async fn poll(start: &mut Option<Start>) -> Result<()> {
    match start {
        Some(future) => future.await,
        None => Ok(()),
    }
}

/// Who talks on a socket.
struct Visitor<'a> {
    core: &'a Core,
    session: &'a Arc<Session>,
    pace: Pace,
}

impl Hear for Visitor<'_> {
    fn text(&mut self, text: &str) -> Result<Next, Close> {
        if !self.pace.allows(self.core.clock().ticks_ms(), 1, inbound::PER_SECOND) {
            return Err(Close::TooFast);
        }
        inbound::hear(self.core, self.session, text);
        Ok(Next::Read)
    }

    fn binary(&mut self, _: Bytes) -> Result<Next, Close> {
        Err(Close::BadMessage)
    }
}
