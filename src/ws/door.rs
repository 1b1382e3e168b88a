//! Letting a client in: who they are, whether there is room, and the upgrade itself.

use super::{
    frames::WsTongue,
    socket::{self, Start, Wishes},
    ticket::{TTL_MS, Tickets},
};
use crate::{
    error::{Error, Result},
    http::{
        Answer, Caller, Client, Core, May, QueryOf, Via, cookie, created,
        origin::{self, Origin},
        permission::SignIn,
    },
    hub::{Arrival, Close, Connection, Wire},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use std::{
    io,
    sync::{Arc, OnceLock},
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Bytes the kernel may hold for one socket: more would hide that a reader has stopped.
const SEND_BUFFER: usize = 64 << 10;

/// The only subprotocol: `Sec-WebSocket-Protocol: bearer, <token>`.
const BEARER: &str = "bearer";

/// The query of `/ws`. What is not known is left to newer servers.
#[derive(Debug, Default, Deserialize)]
pub struct Query {
    /// Send what was committed after this `seq` first.
    since: Option<i64>,
    /// The history that `since` belongs to.
    epoch: Option<String>,
    /// Give up with `too_many` rather than replay more than this many events.
    max: Option<u64>,
    /// 2: begin with `hello`.
    v: Option<u32>,
    /// A ticket from `POST /ws/ticket`.
    ticket: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Issued {
    ticket: String,
    expires_in: i64,
}

/// `POST /ws/ticket`: a word that opens one socket within 30 seconds.
///
/// # Errors
/// When nobody is signed in.
pub async fn issue_ticket(
    State(core): State<Core>,
    State(tickets): State<Arc<Tickets>>,
    who: May<SignIn>,
) -> Answer<Issued> {
    let ticket = tickets.issue((*who).clone(), core.clock().now_ms())?;
    Ok(created(Issued { ticket, expires_in: TTL_MS / 1000 }))
}

/// `GET /ws`: checks everything, then switches protocols.
///
/// # Errors
/// As JSON, before the upgrade: 400 for what is no WebSocket handshake, 401, 403 for a page of
/// another origin, 503 when there are too many connections.
pub async fn upgrade(
    State(core): State<Core>,
    State(tickets): State<Arc<Tickets>>,
    client: Client,
    QueryOf(query): QueryOf<Query>,
    mut req: Request,
) -> Result<Response> {
    let headers = req.headers();
    let caller = authenticate(&core, &tickets, headers, query.ticket.as_deref()).await?;
    let key = handshake_key(headers)?;
    let accept = derive_accept_key(key.as_bytes());
    let by_protocol = protocol_token(headers).is_some();
    let upgrading = req
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or_else(|| Error::Malformed("this connection cannot be upgraded".into()))?;
    let wishes = Wishes {
        since: query.since,
        epoch: query.epoch,
        max: query.max,
        hello: query.v.is_some_and(|v| v >= 2) || query.since.is_some(),
    };
    let stream = Arc::new(OnceLock::new());
    let arrival = Arrival {
        who: caller.listener(),
        name: caller.name.clone(),
        session: caller.session,
        expires_at: caller.expires_at,
        address: client.address,
        tongue: &WsTongue,
        wire: Box::new(Tcp(stream.clone())),
        held: wishes.hello,
    };
    core.accepts.check().map_err(|_| Error::Busy(std::time::Duration::from_secs(1)))?;
    let connection = core.hub.connect(arrival).await?;
    // Whoever ended the sign-in since it was checked did not find this connection in the hub yet.
    if !caller.again(&core).await.is_ok_and(|now| now.role == caller.role) {
        connection.close(Close::Unauthorized);
    }
    tokio::spawn(async move {
        if let Err(e) = welcome(core, connection, stream, wishes, upgrading).await {
            tracing::debug!(error = %e, "a WebSocket ended before it began");
        }
    });
    switching(&accept, by_protocol)
}

/// Hands the stream to the session, once there is one, and lets a task of its own serve it: this
/// one is larger, and would stay as large for as long as the socket is open.
async fn welcome(
    core: Core,
    connection: Connection,
    late: Arc<OnceLock<TcpStream>>,
    wishes: Wishes,
    upgrading: OnUpgrade,
) -> Result<()> {
    let upgraded = upgrading.await.map_err(Error::internal)?;
    let parts = upgraded
        .downcast::<TokioIo<TcpStream>>()
        .map_err(|_| Error::internal("the connection is no TCP stream"))?;
    let stream = late.get_or_init(|| parts.io.into_inner());
    forget_reader(stream);
    socket2::SockRef::from(stream).set_send_buffer_size(SEND_BUFFER).map_err(Error::internal)?;
    // Copied, mostly nothing: the buffer it stands in has 8 KiB and would stay with the socket.
    let early = parts.read_buf.to_vec();
    // Boxed: what is only needed while a socket resumes should not weigh on ten thousand idle ones.
    let start = wishes.hello.then(|| {
        let start: Start = Box::pin(socket::start(core.clone(), connection.clone(), wishes));
        start
    });
    tokio::spawn(socket::serve(late, connection, early, start, core));
    Ok(())
}

/// The stream still knows the task that read the request, and would keep its memory for good.
fn forget_reader(stream: &TcpStream) {
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    drop(stream.poll_read_ready(&mut nobody));
}

/// A stream that is there once the handshake is answered; until then everything waits.
struct Tcp(Arc<OnceLock<TcpStream>>);

impl Wire for Tcp {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get().ok_or(io::ErrorKind::WouldBlock)?.try_write(bytes)
    }
}

/// The four ways to say who one is. A page of another origin is refused with any of them.
async fn authenticate(
    core: &Core,
    tickets: &Tickets,
    headers: &HeaderMap,
    ticket: Option<&str>,
) -> Result<Caller> {
    let origin = origin::of(headers, &core.settings);
    if headers.contains_key(header::ORIGIN) && origin == Origin::Foreign {
        return Err(Error::Forbidden("pages of that origin may not connect here"));
    }
    let caller = if headers.contains_key(header::AUTHORIZATION) {
        Caller::of(core, headers).await?
    } else if let Some(token) = protocol_token(headers) {
        Caller::by_token(core, &token, Via::Bearer).await?
    } else if let Some(ticket) = ticket {
        let redeemed = tickets.redeem(ticket, core.clock().now_ms());
        let asked_for_it = redeemed
            .ok_or(Error::Unauthorized("the ticket is not valid, was used, or has ended"))?;
        asked_for_it.again(core).await?
    } else if cookie::read(headers).is_some() && origin != Origin::Own {
        return Err(Error::Forbidden("a cookie only counts from this server's own pages"));
    } else {
        Caller::of(core, headers).await?
    };
    if let Via::ApiToken(_) = caller.via {
        return Err(Error::Forbidden("sockets are for people: sign in, or read GET /events"));
    }
    Ok(caller)
}

/// The token in `Sec-WebSocket-Protocol: bearer, <token>`.
fn protocol_token(headers: &HeaderMap) -> Option<String> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut words = offered.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    words.find(|word| word.trim() == BEARER)?;
    words.next().map(|token| token.trim().to_owned())
}

/// Checks the handshake (RFC 6455 §4.2.1); returns its key.
fn handshake_key(headers: &HeaderMap) -> Result<&HeaderValue> {
    let has = |name, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let is_upgrade = has(header::UPGRADE, "websocket") && has(header::CONNECTION, "upgrade");
    if !is_upgrade || !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(Error::Malformed("this path answers WebSocket (version 13) only".into()));
    }
    headers
        .get(header::SEC_WEBSOCKET_KEY)
        .ok_or_else(|| Error::Malformed("the Sec-WebSocket-Key is missing".into()))
}

fn switching(accept: &str, by_protocol: bool) -> Result<Response> {
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept);
    if by_protocol {
        response = response.header(header::SEC_WEBSOCKET_PROTOCOL, BEARER);
    }
    response.body(axum::body::Body::empty()).map_err(Error::internal)
}
