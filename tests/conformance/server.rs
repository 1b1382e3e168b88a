//! Echo servers on Deskbell's own protocol modules: no accounts, no database.
//!
//! * `/engine.io/`: Engine.IO, every message back.
//! * `/socket.io/`: Socket.IO with the namespaces `/` and `/custom`. On connect `auth` with what
//!   the client said of itself; `message` comes back as `message-back`; `message-with-ack` is
//!   answered with its own arguments.
//! * `/` and `/echo`: plain WebSocket, every message back.

use axum::{
    Router,
    extract::{Request, State},
    http::request::Parts,
    response::{IntoResponse as _, Response},
    routing::any,
};
use bytes::Bytes;
use deskbell::{
    error::Result as Outcome,
    hub::{Close, CloseReason, Outbox, Wire},
    listen,
    socketio::{
        Bounds, Desk, Engine, Event, Guest, Knock, Line, Reception, Settings, event, reception,
    },
    time::Clock,
    ws::{Allowance, Handshake, Hear, Next, Talk, wire},
};
use std::{io, sync::Arc};
use tokio::{net::TcpListener, sync::watch};
use tower_http::cors::CorsLayer;

/// Largest message that the plain echo bears, bytes.
const ECHO_MAX: usize = 64 << 20;

/// The suites send as fast as they can.
const ALLOWED: Allowance = Allowance { message_max: ECHO_MAX, per_second: u32::MAX };

/// Short times, as the protocols' own suites expect them.
fn settings() -> Settings {
    Settings { ping_interval_ms: 300, ping_timeout_ms: 200, ..Settings::default() }
}

/// Serves until the sender of `stop` says so or is gone.
pub(crate) async fn serve(listener: TcpListener, stop: watch::Receiver<bool>) {
    let clock = Clock::default();
    let bounds = Bounds { connect_within_ms: 1_000, ..Bounds::default() };
    let engine = Engine::new(settings(), &clock, Box::new(EngineEcho));
    let front = reception(Arc::new(SocketEcho), bounds, &clock);
    let sockets = Engine::new(settings(), &clock, front);
    let keepers = [engine.clone(), sockets.clone()].map(|engine| tokio::spawn(engine.keep()));
    let router = Router::new()
        .route("/engine.io/", any(answer).with_state(engine))
        .route("/socket.io/", any(answer).with_state(sockets))
        .route("/", any(echo).with_state(clock.clone()))
        .route("/echo", any(echo).with_state(clock))
        .layer(CorsLayer::permissive());
    listen::serve(listener, router, 10_000, stop).await;
    for keeper in keepers {
        keeper.abort();
    }
}

async fn answer(State(engine): State<Engine>, req: Request) -> Response {
    engine.answer(req).await
}

struct EngineEcho;

impl Reception for EngineEcho {
    fn admits(&self, _: &Parts) -> bool {
        true
    }

    fn has_room(&self) -> bool {
        true
    }

    fn receive(&self, _: &Parts) -> Box<dyn Guest> {
        Box::new(Self)
    }
}

impl Guest for EngineEcho {
    fn text(&mut self, line: &Arc<Line>, text: &str) -> Result<(), Close> {
        line.out().send(wire::text(&format!("4{text}")));
        Ok(())
    }

    fn binary(&mut self, line: &Arc<Line>, bytes: &[u8]) -> Result<(), Close> {
        line.out().send(wire::binary(bytes));
        Ok(())
    }

    fn look(&mut self, _: i64) -> Result<(), Close> {
        Ok(())
    }

    fn is_nobody(&self) -> bool {
        false
    }
}

struct SocketEcho;

impl Desk for SocketEcho {
    type Origin = ();
    type Member = ();

    fn admits(&self, _: &Parts) -> bool {
        true
    }

    fn has_room(&self) -> bool {
        true
    }

    fn receive(&self, _: &Parts) {}

    fn has(&self, namespace: &str) -> bool {
        matches!(namespace, "/" | "/custom")
    }

    fn knock(self: &Arc<Self>, knock: Knock<Self>, auth: Option<&str>) {
        if knock.admit(()) {
            let out = knock.line().out();
            out.send(knock.consent(""));
            let auth = format!(r#"["auth",{}]"#, auth.unwrap_or("{}"));
            out.send(event(knock.namespace(), &auth, &[]));
        }
    }

    fn event(&self, (): &mut (), event: &Event<'_>) -> Result<(), Close> {
        let arguments: Vec<_> = event.arguments().iter().map(|json| json.get()).collect();
        match event.name().as_ref() {
            "message" => {
                let elements = [&["\"message-back\""][..], &arguments].concat().join(",");
                event.emit(&format!("[{elements}]"), event.attachments);
            }
            "message-with-ack" => {
                event.answer(&format!("[{}]", arguments.join(",")), event.attachments);
            }
            _ => {}
        }
        Ok(())
    }
}

async fn echo(State(clock): State<Clock>, mut req: Request) -> Response {
    let (handshake, answer) = match shake(&mut req) {
        Ok(shaken) => shaken,
        Err(e) => return e.into_response(),
    };
    tokio::spawn(async move {
        // A client that went away before it began is no concern of anybody's.
        let Ok((stream, early)) = handshake.stream().await else { return };
        let out = Outbox::new(&clock, Box::new(Wide(stream.clone().into())));
        let mut talk = Talk::new(stream, early, ALLOWED);
        talk.serve(&out, &mut Echo(&out)).await;
        talk.finish(&out).await;
    });
    answer
}

fn shake(req: &mut Request) -> Outcome<(Handshake, Response)> {
    let handshake = Handshake::of(req)?;
    let answer = handshake.answer(None)?;
    Ok((handshake, answer))
}

/// A stream on which large messages may wait.
struct Wide(wire::Late);

impl Wire for Wide {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn close(&self, why: Close, reason: &CloseReason) -> Bytes {
        self.0.close(why, reason)
    }

    fn waiting_max(&self) -> usize {
        4 * ECHO_MAX
    }
}

struct Echo<'a>(&'a Outbox);

impl Hear for Echo<'_> {
    fn text(&mut self, text: &str) -> Result<Next, Close> {
        self.0.send(wire::text(text));
        Ok(Next::Read)
    }

    fn binary(&mut self, bytes: Bytes) -> Result<Next, Close> {
        self.0.send(wire::binary(&bytes));
        Ok(Next::Read)
    }
}
