//! The body of one stream, from hello to goodbye.

use super::tongue::{message, preface};
use crate::{
    db::{Refused, log_bounds},
    error::Result,
    http::Core,
    hub::{self, Close, Connection, Replayed, Session},
};
use axum::body::{Body, Bytes};
use serde::Serialize;
use std::{convert::Infallible, sync::Arc};

/// Bytes handed to the connection at once.
const CHUNK_MAX: usize = 16 << 10;

/// Where a client says it was.
#[derive(Debug, Clone)]
pub(super) struct From {
    pub(super) since: i64,
    pub(super) epoch: Option<String>,
}

#[derive(Serialize)]
struct Hello<'a> {
    conn_id: u64,
    epoch: &'a str,
    latest_seq: i64,
    oldest_seq: i64,
}

#[derive(Serialize)]
struct Resync {
    reason: Refused,
    latest_seq: i64,
    oldest_seq: i64,
}

/// Who reads; its end tells whoever still feeds it.
struct Reader(Arc<Session>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

/// The body: what waits in the mailbox, whenever the connection takes more.
pub(super) fn body(core: Core, connection: Connection, from: Option<From>) -> Body {
    let session = connection.clone();
    session.send(preface());
    let reader = Reader(session.clone());
    tokio::spawn(async move {
        // Boxed: what is only needed while it begins should not weigh on it as long as it is open.
        if let Err(e) = Box::pin(start(&core, &session, from)).await {
            tracing::error!(error = %e, "a replay failed; the client may try again");
            session.close(Close::Restart);
        }
        // A client that was sent away is gone from the hub, whether it reads the rest or not.
        session.ended().await;
        drop(connection);
    });
    let chunks = futures_util::stream::unfold(reader, |reader| async move {
        loop {
            // Asked for more: what it had before has gone out.
            reader.0.heard();
            let messages = reader.0.take(CHUNK_MAX);
            if !messages.is_empty() {
                let chunk = Bytes::from(messages.concat());
                return Some((Ok::<_, Infallible>(chunk), reader));
            }
            if reader.0.closed().is_some() {
                return None;
            }
            reader.0.woken().await;
        }
    });
    Body::from_stream(chunks)
}

/// Hello, then what was missed, then live. A client is told at once where it stands, so that one
/// which is cut off before its first event comes back to the right place.
async fn start(core: &Core, session: &Arc<Session>, from: Option<From>) -> Result<()> {
    let epoch = core.db.epoch();
    let log = core.db.read(log_bounds).await?;
    let hello = |seq, latest_seq| {
        let hello = Hello { conn_id: session.id, epoch, latest_seq, oldest_seq: log.oldest };
        message(epoch, "hello", seq, &hello)
    };
    let Some(From { since, epoch: said }) = from else {
        hub::go_live(&core.db, session, |latest| hello(Some(latest), latest)).await;
        return Ok(());
    };
    // Without an id: until the replay is through, the client is where it was.
    session.send(hello(None, log.latest));
    let missed = hub::Missed { since, epoch: said.as_deref(), max: None };
    let told = |outcome| match outcome {
        Replayed::Whole(resumed) => message(epoch, "resumed", Some(resumed.seq), &resumed),
        Replayed::None(reason, log) => {
            let (latest_seq, oldest_seq) = (log.latest, log.oldest);
            let resync = Resync { reason, latest_seq, oldest_seq };
            message(epoch, "resync_required", Some(latest_seq), &resync)
        }
    };
    hub::replay(&core.hub, &core.db, session, missed, told).await
}
