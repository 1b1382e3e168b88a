//! Who makes a request: a person by token or cookie, a program by its API token, or the visitor of
//! one chat.

use super::{Client, Core, cookie, origin};
use crate::{
    auth::{Known, Role, secret, sql},
    error::{Error, Result},
    event::{Actor, Listener},
    id::{SessionId, TenantId, UserId},
};
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, Method, header, request::Parts},
};
use std::sync::Arc;

/// How a caller proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// An access token in `Authorization`, in a WebSocket subprotocol, or behind a ticket.
    Bearer,
    /// The session cookie.
    Cookie,
    /// An API token with these scopes.
    ApiToken(Vec<String>),
    /// A visitor's token: it counts in one chat, and only where visitors are expected.
    Visitor,
}

/// Who makes this request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Their tenant; every query is scoped to it.
    pub tenant: TenantId,
    /// The user, or the maker of the API token.
    pub user: UserId,
    /// What they are in their tenant. Programs are agents and may do what their scopes say.
    pub role: Role,
    /// Whether they may make tenants.
    pub is_system_admin: bool,
    /// The name people see.
    pub name: String,
    /// The sign-in; none for programs.
    pub session: Option<SessionId>,
    /// When the credentials end, milliseconds since the Unix epoch.
    pub expires_at: i64,
    /// How they proved it.
    pub via: Via,
}

impl Caller {
    /// As the one who did something.
    pub fn actor(&self) -> Actor {
        let kind = match self.via {
            Via::ApiToken(_) => "token",
            Via::Visitor => "visitor",
            Via::Bearer | Via::Cookie => "user",
        };
        let id = (kind == "user").then_some(self.user);
        Actor { id, name: self.name.clone(), kind: kind.into() }
    }

    /// As one who may hear events.
    pub fn listener(&self) -> Listener {
        Listener { tenant: self.tenant, user: self.user, role: self.role }
    }

    /// Who made the request with these headers. `Authorization` wins over the cookie. Visitors are
    /// refused: see [`Caller::or_visitor`].
    ///
    /// # Errors
    /// [`Error::Unauthorized`] when nobody did or the credentials are not good.
    pub async fn of(core: &Core, headers: &HeaderMap) -> Result<Self> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let text = value.to_str().map_err(|_| BAD)?;
            let (scheme, token) = text.split_once(' ').ok_or(BAD)?;
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(BAD);
            }
            return Self::by_token(core, token.trim(), Via::Bearer).await;
        }
        match cookie::read(headers) {
            Some(token) => Self::by_token(core, token, Via::Cookie).await,
            None => Err(Error::Unauthorized("sign in first: no token came with the request")),
        }
    }

    /// The same, or the visitor whose token came in `Authorization`.
    ///
    /// # Errors
    /// As [`Caller::of`] and [`Caller::visitor`].
    pub async fn or_visitor(core: &Core, headers: &HeaderMap) -> Result<Self> {
        let value = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        let token = value.and_then(|text| text.split_once(' ')).map(|(_, token)| token.trim());
        match token.filter(|token| token.starts_with(VISITOR)) {
            Some(token) => Self::visitor(core, token, headers).await,
            None => Self::of(core, headers).await,
        }
    }

    /// The visitor with this token. Pages of other sites may use it where the tenant lists them.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] when it is not good, [`Error::Forbidden`] for a page of a site that
    /// is not listed.
    pub async fn visitor(core: &Core, token: &str, headers: &HeaderMap) -> Result<Self> {
        let (digest, now) = (secret::digest(token), core.clock().now_ms());
        let site = origin::foreign(headers, &core.settings);
        let found = core
            .db
            .read(move |r| {
                let Some(visitor) = sql::visitor(r, &digest, now)? else { return Ok(None) };
                let may = match site {
                    Some(site) => sql::is_site_of(r, visitor.tenant, &site)?,
                    None => true,
                };
                Ok(Some((visitor, may)))
            })
            .await?;
        let (visitor, may) = found.ok_or(BAD)?;
        if !may {
            return Err(Error::Forbidden("pages of that site may not use this token"));
        }
        Ok(Self {
            tenant: visitor.tenant,
            user: visitor.id,
            role: Role::Visitor,
            is_system_admin: false,
            name: visitor.name,
            session: None,
            expires_at: visitor.expires_at,
            via: Via::Visitor,
        })
    }

    /// Whose access token, or API token, this is.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] when it is not good, [`Error::Forbidden`] for a visitor's.
    pub async fn by_token(core: &Core, token: &str, via: Via) -> Result<Self> {
        if token.starts_with(VISITOR) {
            return Err(Error::Forbidden("a visitor's token counts in its own chat only"));
        }
        if token.starts_with("dbk_") && via == Via::Bearer {
            return Self::by_api_token(core, token).await;
        }
        let verified = core.keys.verify(token, core.clock().now_ms()).map_err(|_| BAD)?;
        let known = core.sessions.get(&core.db, verified.session).await?.ok_or(BAD)?;
        Ok(Self::of_session(&known, verified.expires_at.min(known.expires_at), via))
    }

    /// The same caller as they stand now: their sign-in may have ended since, or their role
    /// changed.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] when it has ended.
    pub async fn again(&self, core: &Core) -> Result<Self> {
        let Some(session) = self.session else { return Ok(self.clone()) };
        let known = core.sessions.get(&core.db, session).await?.ok_or(BAD)?;
        Ok(Self::of_session(&known, self.expires_at.min(known.expires_at), self.via.clone()))
    }

    fn of_session(known: &Arc<Known>, expires_at: i64, via: Via) -> Self {
        Self {
            tenant: known.tenant,
            user: known.user,
            role: known.role,
            is_system_admin: known.is_system_admin,
            name: known.name.clone(),
            session: Some(known.session),
            expires_at,
            via,
        }
    }

    async fn by_api_token(core: &Core, token: &str) -> Result<Self> {
        let (digest, now) = (secret::digest(token), core.clock().now_ms());
        let found = core.db.read(move |r| sql::api_token(r, &digest, now)).await?.ok_or(BAD)?;
        let scopes = serde_json::from_str(&found.scopes).map_err(Error::internal)?;
        Ok(Self {
            tenant: found.tenant,
            user: found.created_by,
            role: Role::Agent,
            is_system_admin: false,
            name: found.name,
            session: None,
            expires_at: found.expires_at.unwrap_or(i64::MAX),
            via: Via::ApiToken(scopes),
        })
    }

    /// Judges where the request comes from, and how many this caller makes.
    pub(super) fn let_in(self, parts: &Parts, core: &Core) -> Result<Self> {
        self.check_origin(&parts.method, &parts.headers, core)?;
        if core.signed_in.as_ref().is_some_and(|rate| rate.check_key(&self.user).is_err()) {
            return Err(Error::TooMany(std::time::Duration::from_secs(1)));
        }
        Ok(self)
    }

    /// A write with a cookie must come from one of our own pages.
    fn check_origin(&self, method: &Method, headers: &HeaderMap, core: &Core) -> Result<()> {
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        if reads || self.via != Via::Cookie {
            return Ok(());
        }
        match origin::of(headers, &core.settings) {
            origin::Origin::Own => Ok(()),
            origin::Origin::Foreign | origin::Origin::Unknown => Err(Error::Forbidden(
                "a cookie only counts from this server's own pages; send a token instead",
            )),
        }
    }
}

/// Whoever asks, signed in or not.
///
/// A cookie that is no good any more is what somebody has who signed in last month: they are
/// nobody, and counted like all who are nobody. A token that is no good is an error, as everywhere.
#[derive(Debug)]
pub struct Anyone(pub Option<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for Anyone
where
    Core: FromRef<S>,
{
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let by_token = parts.headers.contains_key(header::AUTHORIZATION);
        if !by_token && cookie::read(&parts.headers).is_none() {
            return Ok(Self(None));
        }
        match Caller::from_request_parts(parts, state).await {
            Ok(caller) => Ok(Self(Some(caller))),
            Err(Error::Unauthorized(_)) if !by_token => {
                let Ok(client) = Client::from_request_parts(parts, state).await;
                Core::from_ref(state).admit_anonymous(client.address)?;
                Ok(Self(None))
            }
            Err(e) => Err(e),
        }
    }
}

/// What visitors' tokens begin with.
pub const VISITOR: &str = "dbv_";

const BAD: Error = Error::Unauthorized("the token is not valid or has ended: sign in again");

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Core: FromRef<S>,
{
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let core = Core::from_ref(state);
        let caller = Self::of(&core, &parts.headers).await?;
        caller.let_in(parts, &core)
    }
}
