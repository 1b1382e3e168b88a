//! Deskbell's own desk: who comes in, which rooms they have, and where they go on from.

use super::{
    engine::{Engine, Settings, fresh_id},
    namespaces::{Bounds, Desk, Event, Knock, event, reception},
    packet::message::ROOT,
    tongue::SocketTongue,
    wishes::{Pid, Place, Wishes},
};
use crate::{
    db::log_bounds,
    error::{Error, Result},
    http::{
        Caller, Client, Core, Peer, Via, cookie,
        origin::{self, Origin},
        user_agent,
    },
    hub::{self, Arrival, Close, Connection, Missed, Replayed, Session, Tongue},
    ws::{BYTES_PER_SECOND, PER_SECOND},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use serde_json::json;
use std::{net::IpAddr, sync::Arc};
use tokio::sync::oneshot;

/// Largest event a client may send, bytes: as much as on `/ws`.
const EVENT_MAX: usize = 64 << 10;

/// The Socket.IO server of this house.
#[derive(Clone)]
pub struct Door(Engine);

impl Door {
    /// With the protocol's own times, and room for `sessions_max` sessions.
    pub fn new(core: &Core, sessions_max: usize) -> Self {
        let settings =
            Settings { sessions_max, bytes_per_second: BYTES_PER_SECOND, ..Settings::default() };
        let bounds = Bounds { event_max: EVENT_MAX, per_second: PER_SECOND, ..Bounds::default() };
        let desk = Arc::new(FrontDesk {
            core: core.clone(),
            plain: Arc::new(SocketTongue { epoch: None }),
            recovering: Arc::new(SocketTongue { epoch: Some(core.db.epoch().into()) }),
        });
        Self(Engine::new(settings, core.clock(), reception(desk, bounds, core.clock())))
    }

    /// Sessions there are, on both transports.
    pub fn sessions(&self) -> usize {
        self.0.sessions()
    }

    /// Sees to heartbeats and abandoned sessions, for ever.
    pub async fn keep(self) {
        self.0.keep().await;
    }

    /// Ends all sessions: their clients are told to come back.
    pub fn stop(&self) {
        self.0.stop();
    }
}

/// `/socket.io/`, every method: refusals have Engine.IO's codes.
pub async fn answer(State(door): State<Door>, req: Request) -> Response {
    door.0.answer(req).await
}

struct FrontDesk {
    core: Core,
    plain: Arc<dyn Tongue>,
    recovering: Arc<dyn Tongue>,
}

/// What the request that a session began with said of its client.
struct Came {
    /// A token from `Authorization`, or from the cookie of one of our own pages.
    token: Option<(Box<str>, Via)>,
    address: IpAddr,
    user_agent: Option<Box<str>>,
}

/// Somebody who is in.
struct Member {
    connection: Connection,
    /// Dropped with them, which ends a replay that is under way.
    _here: oneshot::Sender<()>,
}

impl Desk for FrontDesk {
    type Origin = Came;
    type Member = Member;

    fn admits(&self, request: &Parts) -> bool {
        let headers = &request.headers;
        !headers.contains_key(header::ORIGIN)
            || origin::of(headers, &self.core.settings) == Origin::Own
    }

    fn has_room(&self) -> bool {
        self.core.accepts.check().is_ok()
    }

    fn receive(&self, request: &Parts) -> Came {
        let peer = request.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |p| p.0);
        let trusted = &self.core.settings.trusted_proxies;
        let address = Client::of(peer, &request.headers, trusted).address;
        let token = self.token_of(&request.headers);
        Came { token, address, user_agent: user_agent(&request.headers) }
    }

    fn has(&self, namespace: &str) -> bool {
        namespace == ROOT
    }

    fn knock(self: &Arc<Self>, knock: Knock<Self>, auth: Option<&str>) {
        match Wishes::read(auth) {
            Ok(wishes) => {
                let desk = self.clone();
                tokio::spawn(async move { desk.let_in(knock, wishes).await });
            }
            Err(why) => knock.refuse(why),
        }
    }

    fn event(&self, member: &mut Member, event: &Event<'_>) -> Result<(), Close> {
        super::asked::hear(&self.core, &member.connection, event);
        Ok(())
    }
}

impl FrontDesk {
    /// `Authorization` wins over the cookie, which counts for our own pages only.
    fn token_of(&self, headers: &HeaderMap) -> Option<(Box<str>, Via)> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            let is_bearer = scheme.eq_ignore_ascii_case("bearer");
            return is_bearer.then(|| (token.trim().into(), Via::Bearer));
        }
        let own = origin::of(headers, &self.core.settings) == Origin::Own;
        cookie::read(headers).filter(|_| own).map(|token| (token.into(), Via::Cookie))
    }

    async fn let_in(&self, knock: Knock<Self>, wishes: Wishes) {
        let caller = match self.caller(&knock.origin, &wishes).await {
            Ok(caller) => caller,
            Err(words) => return knock.refuse(words),
        };
        let tongue = if wishes.recover { &self.recovering } else { &self.plain };
        let connection = self.core.hub.connect(Arrival {
            who: caller.listener(),
            name: caller.name.clone(),
            session: caller.session,
            expires_at: caller.expires_at,
            address: knock.origin.address,
            user_agent: knock.origin.user_agent.clone(),
            tongue: tongue.clone(),
            out: knock.line().out().clone(),
            // Until the consent is on its way: what is committed after it must not be missed.
            held: true,
            signs: wishes.signs || wishes.recover || wishes.since.is_some(),
        });
        let Ok(connection) = connection.await else {
            return knock.refuse("too many connections, try again later");
        };
        let session: Arc<Session> = connection.clone();
        let (here, gone) = oneshot::channel();
        if !knock.admit(Member { connection, _here: here }) {
            return;
        }
        let begun = async {
            // Whoever ended the sign-in since it was checked did not find it in the hub yet.
            if !caller.again(&self.core).await.is_ok_and(|now| now.role == caller.role) {
                session.close(Close::Unauthorized);
            }
            self.begin(&knock, &session, wishes).await
        };
        tokio::select! {
            begun = begun => if let Err(e) = begun {
                tracing::error!(error = %e, "a replay failed; the client may try again");
                session.close(Close::Restart);
            },
            _ = gone => {}
        }
    }

    /// Who this is, or what they are told.
    async fn caller(&self, came: &Came, wishes: &Wishes) -> Result<Caller, &'static str> {
        let unauthorized = "unauthorized";
        let (token, via) = match (&wishes.token, &came.token) {
            (Some(token), _) => (token.as_str(), Via::Bearer),
            (None, Some((token, via))) => (&**token, via.clone()),
            (None, None) => return Err(unauthorized),
        };
        let caller = Caller::by_token(&self.core, token, via).await.map_err(|e| match e {
            Error::Unauthorized(_) => unauthorized,
            Error::Forbidden(why) => why,
            e => {
                tracing::error!(error = %e, "a Socket.IO client's sign-in could not be looked up");
                "the server cannot tell who you are at the moment"
            }
        })?;
        match caller.via {
            Via::ApiToken(_) => Err("sockets are for people: sign in, or read GET /events"),
            _ => Ok(caller),
        }
    }

    /// Sends the consent, then what was missed where that is asked for, then goes live.
    async fn begin(&self, knock: &Knock<Self>, session: &Session, wishes: Wishes) -> Result<()> {
        let Wishes { since, max, recover, before, .. } = wishes;
        let (db, user) = (&self.core.db, session.who.user);
        let before = before.filter(|(pid, _)| pid.user == user);
        let place = before.as_ref().map(|(_, place)| place.clone()).or(since);
        let random = fresh_id()?;
        let pid_at = |seq| match recover {
            true => Pid::new(user, db.epoch(), seq, &random).words(),
            false => String::new(),
        };
        let Some(Place { epoch, seq }) = place else {
            hub::go_live(db, session, |latest| knock.consent(&pid_at(latest))).await;
            return Ok(());
        };
        let log = db.read(log_bounds).await?;
        let resumes = db.may_resume(log, seq, epoch.as_deref()).is_ok();
        let words = match &before {
            // The same name again tells a stock client that it has recovered.
            Some((pid, _)) if resumes => pid.words(),
            _ => pid_at(if resumes { seq } else { log.latest }),
        };
        session.send(knock.consent(&words));
        let missed = Missed { since: seq, epoch: epoch.as_deref(), max };
        let is_stock = before.is_some();
        hub::replay(&self.core.hub, db, session, missed, |outcome| said(outcome, is_stock)).await
    }
}

/// What a replay came to. A stock client has heard in the consent that it has recovered.
fn said(outcome: Replayed, is_stock: bool) -> Bytes {
    let elements = match outcome {
        Replayed::Whole(_) if is_stock => return Bytes::new(),
        Replayed::Whole(resumed) => json!(["resumed", resumed]),
        Replayed::None(reason, log) => json!([
            "resync_required",
            { "reason": reason, "latest_seq": log.latest, "oldest_seq": log.oldest },
        ]),
    };
    event(ROOT, &elements.to_string(), &[])
}
