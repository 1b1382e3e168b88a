//! What Socket.IO clients ask for, and how that is acknowledged.

use super::{
    namespaces::{Event, event},
    packet::message::ROOT,
};
use crate::{
    db::Bounds,
    http::Core,
    hub::{self, Close, Missed, Replayed, Session},
    ws::{Ask, Refusal},
};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use std::sync::Arc;

/// Does what an event asks for, and acknowledges it where that is wanted.
pub(super) fn hear(core: &Core, session: &Arc<Session>, event: &Event<'_>) {
    let name = event.name();
    let payload = event.arguments().first().map_or(RawValue::NULL, |first| first);
    let as_written = room_of(payload);
    let ask = match name.as_ref() {
        "join" => Ask::read("room.join", &named(session, payload)),
        "leave" => Ask::read("room.leave", &named(session, payload)),
        name => Ask::read(name, payload),
    };
    let ask = match ask {
        Some(Ok(ask)) => ask,
        Some(Err(why)) => return event.answer(&acknowledged(Err(why), None), &[]),
        None => {
            let unknown = Refusal { code: "unknown_event", message: "there is no such event" };
            return event.answer(&acknowledged(Err(unknown), None), &[]);
        }
    };
    match ask.at_once(core, session) {
        Ok(done) => event.answer(&acknowledged(done, as_written), &[]),
        Err(ask) => {
            let (core, session, answer) = (core.clone(), session.clone(), event.answer_later());
            tokio::spawn(async move {
                let done = ask.wait(&core, &session).await;
                let is_done = done.is_ok();
                answer(&acknowledged(done, as_written));
                if is_done {
                    replay_room(&core, &session, &ask).await;
                }
            });
        }
    }
}

/// The room that an argument names: as text, or in an object.
fn room_of(argument: &RawValue) -> Option<String> {
    match serde_json::from_str(argument.get()).ok()? {
        Value::String(room) => Some(room),
        Value::Object(said) => said.get("room")?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// The first argument of `join` and `leave`, as an object with the room in our way of writing:
/// Flask-SocketIO's clients say `user_<id>` and `tenant_<id>`.
fn named(session: &Session, argument: &RawValue) -> Box<RawValue> {
    let mut said = match serde_json::from_str(argument.get()) {
        Ok(object @ Value::Object(_)) => object,
        _ => json!({}),
    };
    if let (Value::Object(fields), Some(room)) = (&mut said, room_of(argument)) {
        fields.insert("room".into(), ours(session, &room).into());
    }
    to_raw_value(&said).unwrap_or_default()
}

fn ours(session: &Session, room: &str) -> String {
    match room.split_once(['_', ':']) {
        Some(("tenant", id)) if id.parse() == Ok(session.who.tenant) => String::from("tenant"),
        Some((first @ ("user" | "role" | "ticket" | "chat" | "queue"), rest)) => {
            format!("{first}:{rest}")
        }
        _ => room.to_owned(),
    }
}

/// An acknowledgement; the room comes back as the client wrote it.
fn acknowledged(done: Result<Value, Refusal>, as_written: Option<String>) -> String {
    let answer = match done {
        Ok(Value::Object(mut said)) => {
            said.insert("ok".into(), true.into());
            if let (Some(room), true) = (as_written, said.contains_key("room")) {
                said.insert("room".into(), room.into());
            }
            Value::Object(said)
        }
        Ok(_) => json!({ "ok": true }),
        Err(Refusal { code, .. }) => json!({ "ok": false, "error": code }),
    };
    json!([answer]).to_string()
}

/// What was said in a room that was just joined, where that is asked for.
async fn replay_room(core: &Core, session: &Session, ask: &Ask) {
    let Ask::Join(join) = ask else { return };
    let Some(since) = join.since else { return };
    let missed = Missed { since, epoch: join.epoch.as_deref(), max: None };
    let room = &*join.room;
    let resync = |reason: Value, log: Option<Bounds>| {
        let words = json!({
            "room": room,
            "reason": reason,
            "latest_seq": log.map(|log| log.latest),
            "oldest_seq": log.map(|log| log.oldest),
        });
        event(ROOT, &json!(["resync_required", words]).to_string(), &[])
    };
    let told = |outcome| match outcome {
        Replayed::Whole(resumed) => {
            let words = json!({ "room": room, "replayed": resumed.replayed, "seq": resumed.seq });
            event(ROOT, &json!(["resumed", words]).to_string(), &[])
        }
        Replayed::None(reason, log) => resync(json!(reason), Some(log)),
    };
    match hub::replay_topic(&core.hub, &core.db, session, (&join.room, missed), told).await {
        Ok(true) => {}
        Ok(false) => session.send(resync(json!(Refusal::BUSY.code), None)),
        Err(e) => {
            tracing::error!(error = %e, "a room's replay failed; the client may try again");
            session.close(Close::Restart);
        }
    }
}
