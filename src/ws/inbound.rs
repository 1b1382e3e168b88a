//! What a client may say on its socket, and how it is answered.

use super::frames::Message;
use crate::{
    event::Room,
    http::Core,
    hub::{Close, Session},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Messages a second that a client may send, on average over a second.
pub const PER_SECOND: u32 = 50;

/// `{"type":…,"ref":…,"payload":…}`; `ref` comes back in the answer.
#[derive(Debug, Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    #[serde(default)]
    payload: Value,
}

#[derive(Debug, Deserialize)]
struct RoomNamed {
    room: String,
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
}

/// Answers one text message.
pub(super) fn hear(core: &Core, session: &Arc<Session>, text: &str) {
    let Ok(said) = serde_json::from_str::<Said>(text) else {
        return answer(session, "error", None, bad("bad_message", "send {\"type\", \"payload\"}"));
    };
    let reference = said.reference.as_deref();
    match said.kind.as_str() {
        "ping" => answer(session, "pong", reference, said.payload),
        "room.join" | "room.leave" => match serde_json::from_value::<RoomNamed>(said.payload) {
            Ok(RoomNamed { room }) if is_own(session, &room) => {
                answer(session, "reply", reference, json!({ "room": room }));
            }
            _ => answer(
                session,
                "error",
                reference,
                bad("room_refused", "there is no such room for you to join or leave"),
            ),
        },
        "resume" => match serde_json::from_value::<Since>(said.payload) {
            Ok(since) => resume(core, session, reference, since),
            Err(_) => answer(
                session,
                "error",
                reference,
                bad("bad_message", "resume takes {\"since\": <seq>, \"epoch\"?, \"max\"?}"),
            ),
        },
        _ => answer(session, "error", reference, bad("unknown_type", "no such message type")),
    }
}

fn bad(code: &'static str, message: &'static str) -> Problem<'static> {
    Problem { code, message }
}

fn answer(session: &Session, kind: &str, reference: Option<&str>, payload: impl Serialize) {
    match (Message { kind, reference, payload }).frame() {
        Ok(frame) => session.send(frame),
        Err(e) => tracing::error!(error = %e, kind, "an answer could not be written"),
    }
}

/// Whether this is one of the rooms that the server joined for the session.
fn is_own(session: &Session, room: &str) -> bool {
    let who = session.who;
    match room.parse::<Room>() {
        Ok(Room::Everyone) => true,
        Ok(Room::User(user)) => user == who.user,
        Ok(Room::Tenant) => who.role.is_staff(),
        Ok(Room::Role(role)) => who.role.is_staff() && role == who.role,
        Ok(Room::Topic(_) | Room::Nowhere) | Err(()) => false,
    }
}

/// Replays on an open socket: live events are held until the replay has met them.
fn resume(core: &Core, session: &Arc<Session>, reference: Option<&str>, since: Since) {
    if !session.hold(core.hub.rung_seq()) {
        let busy = bad("resume_running", "a replay is already under way");
        return answer(session, "error", reference, busy);
    }
    let (core, session) = (core.clone(), session.clone());
    tokio::spawn(async move {
        let Since { since, epoch, max } = since;
        if let Err(e) = super::socket::resume(&core, &session, since, epoch.as_deref(), max).await {
            tracing::error!(error = %e, "a replay failed; the client may try again");
            session.close(Close::Restart);
        }
    });
}
