//! The WebSocket transport: from the beginning, or taken up by a session that began with polling.

use super::{engine::Engine, line::Line, packet::engine::Packet, refused::Refused};
use crate::{
    error::Result as Outcome,
    hub::{Close, Outbox},
    ws::{
        Handshake, Hear, Next, Talk,
        wire::{self, Late},
    },
};
use axum::{body::Body, extract::Request, http::request::Parts, response::Response};
use bytes::Bytes;
use std::sync::Arc;

/// Switches protocols. What becomes of it is seen to by a task of its own.
pub(super) fn accept(
    engine: &Engine,
    line: Option<Arc<Line>>,
    parts: Parts,
) -> Result<Response, Refused> {
    let mut req = Request::from_parts(parts, Body::empty());
    let handshake = Handshake::of(&mut req).map_err(|_| Refused::BadRequest)?;
    let answer = handshake.answer(None).map_err(|_| Refused::BadRequest)?;
    let engine = engine.clone();
    // What is only needed at the beginning goes with this task; the session gets a small one.
    tokio::spawn(async move {
        let began = match line {
            Some(line) => {
                drop(req);
                take_up(&engine, line, handshake).await
            }
            None => begin(&engine, req.into_parts().0, handshake).await,
        };
        match began {
            Ok(Some((line, talk))) => drop(tokio::spawn(serve(engine, line, talk))),
            Ok(None) => {}
            Err(e) => {
                tracing::debug!(error = %e, "a Socket.IO client's WebSocket ended before it began");
            }
        }
    });
    Ok(answer)
}

/// A session that is on its WebSocket.
type Begun = Option<(Arc<Line>, Box<Talk>)>;

/// A session that begins on a WebSocket.
async fn begin(engine: &Engine, parts: Parts, handshake: Handshake) -> Outcome<Begun> {
    let (stream, early) = handshake.stream().await?;
    let line = engine.open(&parts, Some(stream.clone()))?;
    line.out().send(wire::text(&engine.greeting(&line)));
    let talk = Talk::new(stream, early, engine.allowed());
    Ok(Some((line, Box::new(talk))))
}

/// A session on polling that may go on here: `2probe`, `3probe`, then `5`. Until that has come the
/// session knows nothing of this socket, and loses nothing by its failing.
async fn take_up(engine: &Engine, line: Arc<Line>, handshake: Handshake) -> Outcome<Begun> {
    let (stream, early) = handshake.stream().await?;
    let out = Outbox::new(engine.clock(), Box::new(Late::from(stream.clone())));
    let mut talk = Talk::new(stream.clone(), early, engine.allowed());
    let switched = line.offer() && {
        let mut probe = Probe { line: &line, out: &out };
        let stopped = tokio::select! {
            next = talk.serve(&out, &mut probe) => next == Next::Stop,
            () = engine.clock().sleep_ms(engine.settings().upgrade_within_ms) => false,
        };
        let switched = stopped && !out.has_mail() && line.switch(stream);
        if !switched {
            line.withdraw();
        }
        switched
    };
    if switched {
        return Ok(Some((line, Box::new(talk))));
    }
    out.close(Close::BadMessage);
    talk.finish(&out).await;
    Ok(None)
}

/// Serves a session on its WebSocket until either side ends it.
async fn serve(engine: Engine, line: Arc<Line>, mut talk: Box<Talk>) {
    talk.serve(line.out(), &mut Ear { engine: &engine, line: &line }).await;
    engine.end(&line, line.out().closed().unwrap_or(Close::Done));
    // Boxed, as it is needed once: it should not weigh on ten thousand idle sessions.
    Box::pin(talk.finish(line.out())).await;
}

/// Hears packets.
struct Ear<'a> {
    engine: &'a Engine,
    line: &'a Arc<Line>,
}

impl Hear for Ear<'_> {
    fn text(&mut self, text: &str) -> Result<Next, Close> {
        let packet = Packet::decode(text).map_err(|_| Close::BadMessage)?;
        self.engine.hear(self.line, &packet).map(|()| Next::Read)
    }

    fn binary(&mut self, bytes: Bytes) -> Result<Next, Close> {
        let packet = Packet::Binary(bytes.as_ref().into());
        self.engine.hear(self.line, &packet).map(|()| Next::Read)
    }
}

/// Hears the probe, and then the word that the session goes on here.
struct Probe<'a> {
    line: &'a Line,
    out: &'a Outbox,
}

impl Hear for Probe<'_> {
    fn text(&mut self, text: &str) -> Result<Next, Close> {
        match Packet::decode(text) {
            Ok(Packet::Ping(data)) if data == "probe" && self.line.probe() => {
                self.out.send(wire::text("3probe"));
                Ok(Next::Read)
            }
            Ok(Packet::Upgrade) => Ok(Next::Stop),
            _ => Err(Close::BadMessage),
        }
    }

    fn binary(&mut self, _: Bytes) -> Result<Next, Close> {
        Err(Close::BadMessage)
    }
}
