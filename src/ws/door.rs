//! Letting a client in: who they are, whether there is room, and the upgrade itself.

use super::{
    frames::WsTongue,
    handshake::Handshake,
    socket::{self, Start, Wishes},
    talk::Talk,
    ticket::{TTL_MS, Tickets},
    wire::Late,
};
use crate::{
    error::{Error, Result},
    http::{
        Answer, Caller, Client, Core, May, QueryOf, Via,
        caller::VISITOR,
        cookie, created,
        origin::{self, Origin},
        permission::SignIn,
        user_agent,
    },
    hub::{Arrival, Close, Connection, Outbox},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    response::Response,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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
    /// Rooms to join, with commas between them.
    rooms: Option<String>,
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
    let by_protocol = protocol_token(headers).map(|_| BEARER);
    let handshake = Handshake::of(&mut req)?;
    let answer = handshake.answer(by_protocol)?;
    let wishes = Wishes {
        since: query.since,
        epoch: query.epoch,
        max: query.max,
        rooms: query.rooms.unwrap_or_default(),
        hello: query.v.is_some_and(|v| v >= 2) || query.since.is_some(),
    };
    let late = Late::default();
    let arrival = Arrival {
        who: caller.listener(),
        name: caller.name.clone(),
        session: caller.session,
        expires_at: caller.expires_at,
        address: client.address,
        user_agent: user_agent(req.headers()),
        tongue: Arc::new(WsTongue),
        out: Arc::new(Outbox::new(core.clock(), Box::new(late.clone()))),
        held: wishes.hello,
        signs: wishes.hello,
    };
    core.accepts.check().map_err(|_| Error::Busy(std::time::Duration::from_secs(1)))?;
    let connection = core.hub.connect(arrival).await?;
    // Whoever ended the sign-in since it was checked did not find this connection in the hub yet.
    if !caller.again(&core).await.is_ok_and(|now| now.role == caller.role) {
        connection.close(Close::Unauthorized);
    }
    tokio::spawn(async move {
        if let Err(e) = welcome(core, connection, late, wishes, handshake).await {
            tracing::debug!(error = %e, "a WebSocket ended before it began");
        }
    });
    Ok(answer)
}

/// Hands the stream to the session, once there is one, and lets a task of its own serve it: this
/// one is larger, and would stay as large for as long as the socket is open.
async fn welcome(
    core: Core,
    connection: Connection,
    late: Late,
    wishes: Wishes,
    handshake: Handshake,
) -> Result<()> {
    let (stream, early) = handshake.stream().await?;
    late.set(stream.clone());
    let talk = Box::new(Talk::new(stream, early, socket::ALLOWED));
    // Boxed: what is only needed while a socket resumes should not weigh on ten thousand idle ones.
    let start = (wishes.hello || !wishes.rooms.is_empty()).then(|| {
        let start: Start = Box::pin(socket::start(core.clone(), connection.clone(), wishes));
        start
    });
    tokio::spawn(socket::serve(talk, connection, start, core));
    Ok(())
}

/// The four ways to say who one is. A page of another origin is refused with any of them, but for
/// visitors' tokens where their tenant lists its site.
async fn authenticate(
    core: &Core,
    tickets: &Tickets,
    headers: &HeaderMap,
    ticket: Option<&str>,
) -> Result<Caller> {
    if let Some(token) = visitor_token(headers) {
        // It says itself from which sites it counts.
        return Caller::visitor(core, &token, headers).await;
    }
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

/// A visitor's token, in either place where a token may stand.
fn visitor_token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let named = value.and_then(|text| text.split_once(' ')).map(|(_, token)| token.trim().into());
    named.or_else(|| protocol_token(headers)).filter(|token| token.starts_with(VISITOR))
}

/// The token in `Sec-WebSocket-Protocol: bearer, <token>`.
fn protocol_token(headers: &HeaderMap) -> Option<String> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut words = offered.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    words.find(|word| word.trim() == BEARER)?;
    words.next().map(|token| token.trim().to_owned())
}
