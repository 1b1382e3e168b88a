//! HTTP long-polling: a GET waits for what goes out, a POST brings what comes in.

use super::{
    engine::Engine,
    line::{Line, Taken},
    packet::engine::{Packet, decode_payload, encode_payload},
    refused::Refused,
};
use crate::{
    http::body::is_length_limit,
    hub::Close,
    ws::wire::{Framed, unframe},
};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderValue, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long the body of a POST may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// A plain answer.
pub(super) fn text(body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let plain = HeaderValue::from_static("text/plain; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// One poll, or one post, at a time. A client that breaks it off may have lost what it brought,
/// which ends the session: it comes back and goes on from where it was.
struct Turn<'a> {
    engine: &'a Engine,
    line: &'a Arc<Line>,
    taken: &'a AtomicBool,
    answered: bool,
}

impl<'a> Turn<'a> {
    fn take(engine: &'a Engine, line: &'a Arc<Line>, taken: &'a AtomicBool) -> Option<Self> {
        let free = !taken.swap(true, Ordering::AcqRel);
        free.then(|| Self { engine, line, taken, answered: false })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.engine.end(self.line, Close::BadMessage);
        }
        self.taken.store(false, Ordering::Release);
    }
}

/// Answers when there is something to say. A second poll beside one that waits ends the session.
pub(super) async fn poll(engine: &Engine, line: &Arc<Line>) -> Result<Response, Refused> {
    let Some(mut turn) = Turn::take(engine, line, &line.polling) else {
        engine.end(line, Close::BadMessage);
        return Err(Refused::BadRequest);
    };
    let answer = loop {
        match line.take(engine.settings().max_payload) {
            Taken::Messages(messages) => break Ok(text(payload(&messages))),
            Taken::Noop => break Ok(text("6")),
            Taken::Wait => line.out().woken().await,
            Taken::Elsewhere => {
                // Whatever woke us was meant for the WebSocket's task.
                line.out().wake();
                break Err(Refused::BadRequest);
            }
        }
    };
    turn.answered = true;
    if line.out().closed().is_some() && !line.out().has_mail() && answer.is_ok() {
        engine.forget(line);
    }
    answer
}

/// Messages wait as WebSocket frames; in a payload they stand without.
fn payload(messages: &[Bytes]) -> String {
    let frames = messages.iter().flat_map(|message| unframe(message));
    // Our own frames hold whole packets, so their text needs no second look.
    let mut out = String::new();
    for frame in frames {
        if !out.is_empty() {
            out.push('\x1e');
        }
        match frame {
            Framed::Text(text) => out.push_str(text),
            Framed::Binary(bytes) => out += &encode_payload([Packet::Binary(bytes.into())]),
            Framed::Close => out.push('1'),
        }
    }
    out
}

/// Takes in what the client sends. One that is wrong ends the session, and nothing of it counts.
pub(super) async fn post(
    engine: &Engine,
    line: &Arc<Line>,
    parts: &Parts,
    body: Body,
) -> Result<Response, Refused> {
    if !line.is_polling() || line.out().closed().is_some() {
        return Err(Refused::BadRequest);
    }
    let Some(mut turn) = Turn::take(engine, line, &line.posting) else {
        engine.end(line, Close::BadMessage);
        return Err(Refused::BadRequest);
    };
    let bytes = read(parts, body, engine.settings().max_payload).await;
    // Too large is refused before it is read, and nothing is lost; what broke off may be.
    turn.answered = !matches!(bytes, Err(Refused::BadRequest));
    match take_in(engine, line, &bytes?) {
        Ok(()) => Ok(text("ok")),
        Err(Close::Done) => {
            engine.end(line, Close::Done);
            Ok(text("ok"))
        }
        Err(why) => {
            engine.end(line, why);
            Err(Refused::BadRequest)
        }
    }
}

fn take_in(engine: &Engine, line: &Arc<Line>, bytes: &[u8]) -> Result<(), Close> {
    let body = std::str::from_utf8(bytes).map_err(|_| Close::BadText)?;
    let packets = decode_payload(body).map_err(|_| Close::BadMessage)?;
    packets.iter().try_for_each(|packet| engine.hear(line, packet))
}

async fn read(parts: &Parts, body: Body, max: usize) -> Result<Bytes, Refused> {
    let announced = parts.headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|len| len > max) {
        return Err(Refused::TooLarge);
    }
    match tokio::time::timeout(BODY_WITHIN, to_bytes(body, max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(e)) if is_length_limit(&e) => Err(Refused::TooLarge),
        Ok(Err(_)) | Err(_) => Err(Refused::BadRequest),
    }
}
