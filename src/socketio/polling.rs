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

/// One poll, or one post, at a time; over when dropped, whatever ended it.
struct Turn<'a>(&'a AtomicBool);

impl<'a> Turn<'a> {
    fn take(taken: &'a AtomicBool) -> Option<Self> {
        (!taken.swap(true, Ordering::AcqRel)).then(|| Self(taken))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Answers when there is something to say. A second poll beside one that waits ends the session.
pub(super) async fn poll(engine: &Engine, line: &Arc<Line>) -> Result<Response, Refused> {
    let Some(_turn) = Turn::take(&line.polling) else {
        engine.end(line, Close::BadMessage);
        return Err(Refused::BadRequest);
    };
    loop {
        match line.take(engine.settings().max_payload) {
            Taken::Messages(messages) => {
                if let Some(why) = line.out().closed().filter(|_| !line.out().has_mail()) {
                    engine.end(line, why);
                }
                return Ok(text(payload(&messages)));
            }
            Taken::Noop => return Ok(text("6")),
            Taken::Wait => line.out().woken().await,
            Taken::Elsewhere => {
                // Whatever woke us was meant for the WebSocket's task.
                line.out().wake();
                return Err(Refused::BadRequest);
            }
        }
    }
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
    if !line.is_polling() {
        return Err(Refused::BadRequest);
    }
    let Some(_turn) = Turn::take(&line.posting) else {
        engine.end(line, Close::BadMessage);
        return Err(Refused::BadRequest);
    };
    let bytes = read(parts, body, engine.settings().max_payload).await?;
    let refuse = |why| {
        engine.end(line, why);
        Refused::BadRequest
    };
    let body = std::str::from_utf8(&bytes).map_err(|_| refuse(Close::BadText))?;
    let packets = decode_payload(body).map_err(|_| refuse(Close::BadMessage))?;
    for packet in &packets {
        match engine.hear(line, packet) {
            Ok(()) => {}
            Err(Close::Done) => {
                engine.end(line, Close::Done);
                break;
            }
            Err(why) => return Err(refuse(why)),
        }
    }
    Ok(text("ok"))
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
