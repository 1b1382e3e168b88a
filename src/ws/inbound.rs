//! What a client may say on its socket, and how it is answered.

use super::{
    asks::{Ask, Refusal},
    frames::Message,
    socket,
};
use crate::{
    http::Core,
    hub::{self, Close, Missed, Session},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Messages a second that a client may send, on average over a second.
pub const PER_SECOND: u32 = 50;

/// Bytes a second that a client may send: fifty of the largest messages, and some more.
pub const BYTES_PER_SECOND: u32 = 4 << 20;

/// `{"type":…,"ref":…,"payload":…}`; `ref` comes back in the answer.
#[derive(Debug, Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    #[serde(default)]
    payload: Box<RawValue>,
}

#[derive(Debug, Deserialize)]
struct Since {
    since: i64,
    epoch: Option<String>,
    max: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Problem<'a> {
    code: &'a str,
    message: &'a str,
    /// The room, where one was asked for in the query and no `ref` can name the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a str>,
}

/// Answers one text message.
pub(super) fn hear(core: &Core, session: &Arc<Session>, text: &str) {
    let Ok(said) = serde_json::from_str::<Said>(text) else {
        let why = Refusal::new("bad_message", "send {\"type\", \"payload\"}");
        return refuse(session, None, why, None);
    };
    let reference = said.reference.as_deref();
    match (said.kind.as_str(), Ask::read(&said.kind, &said.payload)) {
        (_, Some(Ok(ask))) => obey(core, session, ask, said.reference),
        (_, Some(Err(why))) => refuse(session, reference, why, None),
        ("ping", None) => answer(session, "pong", reference, &said.payload),
        ("resume", None) => match serde_json::from_str(said.payload.get()) {
            Ok(since) => resume(core, session, reference, since),
            Err(_) => {
                let takes = "resume takes {\"since\": <seq>, \"epoch\"?, \"max\"?}";
                refuse(session, reference, Refusal::new("bad_message", takes), None);
            }
        },
        _ => {
            let why = Refusal::new("unknown_type", "no such message type");
            refuse(session, reference, why, None);
        }
    }
}

fn obey(core: &Core, session: &Arc<Session>, ask: Ask, reference: Option<String>) {
    // What is said many times over is answered to who wants to know.
    let is_quiet = matches!(ask, Ask::Say(..)) && reference.is_none();
    match ask.at_once(core, session) {
        Ok(Ok(_)) if is_quiet => {}
        Ok(done) => conclude(session, reference.as_deref(), done),
        Err(ask) => {
            let (core, session) = (core.clone(), session.clone());
            tokio::spawn(async move {
                let done = ask.wait(&core, &session).await;
                let is_done = done.is_ok();
                conclude(&session, reference.as_deref(), done);
                if is_done {
                    replay_room(&core, &session, &ask, reference.as_deref()).await;
                }
            });
        }
    }
}

/// What was said in a room that was just joined, where that is asked for.
async fn replay_room(core: &Core, session: &Session, ask: &Ask, reference: Option<&str>) {
    let Ask::Join(join) = ask else { return };
    let Some(since) = join.since else { return };
    let missed = Missed { since, epoch: join.epoch.as_deref(), max: None };
    let told = |outcome| socket::told(outcome, Some(&join.room));
    match hub::replay_topic(&core.hub, &core.db, session, (&join.room, missed), told).await {
        Ok(true) => {}
        Ok(false) => refuse(session, reference, Refusal::BUSY, None),
        Err(e) => {
            tracing::error!(error = %e, "a room's replay failed; the client may try again");
            session.close(Close::Restart);
        }
    }
}

/// Joins the rooms that the query asked for. Those beyond the bound are not looked at, and the
/// first of them is named: a client must not take a room for joined that it is not in.
pub(super) async fn join_all(core: &Core, session: &Arc<Session>, rooms: &str) {
    for (at, room) in rooms.split(',').filter(|room| !room.is_empty()).enumerate() {
        if at >= hub::TOPICS_MAX {
            return refuse(session, None, Refusal::TOO_MANY, Some(room));
        }
        let (since, epoch) = (None, None);
        let ask = Ask::Join(super::asks::Join { room: room.into(), since, epoch });
        if let Err(why) = ask.wait(core, session).await {
            refuse(session, None, why, Some(room));
        }
    }
}

fn conclude(session: &Session, reference: Option<&str>, done: Result<serde_json::Value, Refusal>) {
    match done {
        Ok(payload) => answer(session, "reply", reference, payload),
        Err(why) => refuse(session, reference, why, None),
    }
}

fn refuse(session: &Session, reference: Option<&str>, why: Refusal, room: Option<&str>) {
    let Refusal { code, message } = why;
    answer(session, "error", reference, Problem { code, message, room });
}

fn answer(session: &Session, kind: &str, reference: Option<&str>, payload: impl Serialize) {
    match (Message { kind, reference, payload }).frame() {
        Ok(frame) => session.send(frame),
        Err(e) => tracing::error!(error = %e, kind, "an answer could not be written"),
    }
}

/// Replays on an open socket: live events are held until the replay has met them.
fn resume(core: &Core, session: &Arc<Session>, reference: Option<&str>, since: Since) {
    if !session.hold(core.hub.rung_seq()) {
        return refuse(session, reference, Refusal::BUSY, None);
    }
    let (core, session) = (core.clone(), session.clone());
    tokio::spawn(async move {
        let Since { since, epoch, max } = since;
        if let Err(e) = socket::resume(&core, &session, since, epoch.as_deref(), max).await {
            tracing::error!(error = %e, "a replay failed; the client may try again");
            session.close(Close::Restart);
        }
    });
}
