//! Handlers of signing in and out, and of one's own account.
//!
//! * `POST /auth/login`, `POST /auth/refresh`, `POST /auth/logout`: anyone
//! * `GET /auth/me`, `PATCH /auth/me`, `POST /auth/password`: signed in (`SignIn`)

use super::{
    SignedIn, Visit,
    login::{self, Credentials},
    refresh, sessions,
};
use crate::{
    auth::token::ACCESS_TTL_MS,
    error::{Error, OrNotFound, Result},
    http::{
        Answer, Caller, Client, Core, Json, Lenient, May, Reply, Via, cookie, ok,
        origin::{self, Origin},
        patch::{self, IfMatch},
        permission::SignIn,
    },
    users::{self, Edit, Hand, Prefs, Profile, rules},
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

/// An answer that also sets the session cookie.
pub type WithCookie<T> = Result<([(HeaderName, HeaderValue); 1], Reply<T>), Error>;

/// What somebody signs in with; fields that mean nothing are ignored.
#[derive(Deserialize)]
pub struct Login {
    email: Option<String>,
    password: Option<String>,
    tenant: Option<String>,
}

/// `POST /auth/login`: signs in with e-mail address and password.
///
/// # Errors
/// 401, 403 from a foreign page, 409 `tenant_required`, 422 naming what is missing, 429.
pub async fn login(
    State(core): State<Core>,
    client: Client,
    headers: HeaderMap,
    Lenient(sent): Lenient<Login>,
) -> WithCookie<SignedIn> {
    refuse_foreign(&core, &headers)?;
    let sent = Credentials::checked(sent.email, sent.password, sent.tenant)?;
    let signed_in = login::login(&core, sent, visit(client, &headers)).await?;
    let cookie = set_cookie(&signed_in.access_token, client, &headers)?;
    Ok(([cookie], ok(signed_in)))
}

/// A refresh token, or nothing where the cookie speaks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    refresh_token: Option<String>,
}

/// `POST /auth/refresh`: new tokens for a refresh token, which is used up; or, without one, a new
/// cookie for a page that has one.
///
/// # Errors
/// 401 when the sign-in has ended; 403 from a foreign page; 422 without either.
pub async fn refresh(
    State(core): State<Core>,
    client: Client,
    headers: HeaderMap,
    Lenient(sent): Lenient<Refresh>,
) -> Result<Response> {
    if let Some(token) = sent.refresh_token {
        refuse_foreign(&core, &headers)?;
        let signed_in = refresh::by_token(&core, &token).await?;
        let cookie = set_cookie(&signed_in.access_token, client, &headers)?;
        return Ok(([cookie], ok(signed_in)).into_response());
    }
    let who = Caller::of(&core, &headers).await?;
    if who.via != Via::Cookie {
        return Err(Error::field("refresh_token", "is required"));
    }
    own_page(&core, &headers)?;
    let (token, renewed) = refresh::by_cookie(&core, &who).await?;
    let cookie = set_cookie(&token, client, &headers)?;
    Ok(([cookie], ok(renewed)).into_response())
}

/// The answer to a sign-out.
#[derive(Debug, Serialize)]
pub struct SignedOut {
    signed_out: bool,
}

/// `POST /auth/logout`: ends the sign-in of the refresh token, the access token or the cookie, and
/// takes the cookie away. Doing it again changes nothing and is answered the same.
///
/// # Errors
/// 403 when a foreign page would sign somebody out.
pub async fn logout(
    State(core): State<Core>,
    client: Client,
    headers: HeaderMap,
    Lenient(sent): Lenient<Refresh>,
) -> WithCookie<SignedOut> {
    if let Some(token) = sent.refresh_token {
        refresh::end(&core, &token).await?;
    }
    match Caller::of(&core, &headers).await {
        Ok(who) => {
            if who.via == Via::Cookie {
                own_page(&core, &headers)?;
            }
            if let Some(session) = who.session {
                let held = core.clone();
                core.db.write(move |w| sessions::end(w, &held, session)).await?;
            }
        }
        Err(Error::Unauthorized(_)) => {}
        Err(other) => return Err(other),
    }
    Ok(([cookie_of("", 0, client, &headers)?], ok(SignedOut { signed_out: true })))
}

/// `GET /auth/me`: the caller's own account.
///
/// # Errors
/// 401; 403 for programs, which have no account.
pub async fn me(State(core): State<Core>, who: May<SignIn>) -> Answer<Profile> {
    let (tenant, user) = (who.tenant, who.user);
    let read = core.db.read(move |r| users::sql::profile(r, tenant, user));
    read.await?.or_not_found("user").map(ok)
}

/// What somebody may change about themselves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnEdit {
    name: Option<String>,
    #[serde(default, deserialize_with = "patch::nullable")]
    phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::nullable")]
    locale: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::nullable")]
    timezone: Option<Option<String>>,
    /// Choices named here are set, the others stay.
    notify_prefs: Option<Prefs>,
    version: Option<i64>,
}

/// `PATCH /auth/me`: changes the caller's own account.
///
/// # Errors
/// 409 `version_conflict`, 422 naming the fields that are wrong.
pub async fn update_me(
    State(core): State<Core>,
    who: May<SignIn>,
    if_match: IfMatch,
    Json(sent): Json<OwnEdit>,
) -> Answer<Profile> {
    let version = if_match.or(sent.version);
    let OwnEdit { name, phone, locale, timezone, notify_prefs, .. } = sent;
    let edit = Edit { name, phone, locale, timezone, version, ..Edit::default() }.checked()?;
    let prefs = notify_prefs.unwrap_or_default();
    rules::prefs(&prefs).map_err(|why| Error::field("notify_prefs", why))?;
    let (hand, user, held) = (Hand::of(&who), who.user, core.clone());
    let job = core.db.write(move |w| {
        users::change(w, &hand, user, &edit, None)?.follow(&held, w);
        let mut profile = users::sql::profile(w, hand.tenant, user)?.or_not_found("user")?;
        profile.notify_prefs.extend(prefs.clone());
        rules::prefs(&profile.notify_prefs).map_err(|why| Error::field("notify_prefs", why))?;
        users::sql::set_prefs(w, hand.tenant, user, &profile.notify_prefs)?;
        Ok(profile)
    });
    job.await.map(ok)
}

/// The present password and the next one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    current: String,
    new: String,
}

/// The answer to a changed password.
#[derive(Debug, Serialize)]
pub struct PasswordChanged {
    changed: bool,
}

/// `POST /auth/password`: changes the caller's password and ends their other sign-ins.
///
/// # Errors
/// 422 when the present password is wrong or the next one is none, 429.
pub async fn change_password(
    State(core): State<Core>,
    who: May<SignIn>,
    client: Client,
    Json(sent): Json<NewPassword>,
) -> Answer<PasswordChanged> {
    login::change_password(&core, &who, (sent.current, sent.new), client.address).await?;
    Ok(ok(PasswordChanged { changed: true }))
}

/// Where a request comes from, as a sign-in keeps it.
pub(super) fn visit(client: Client, headers: &HeaderMap) -> Visit {
    let agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok());
    Visit::new(client.address, agent.unwrap_or_default())
}

/// A foreign page signs nobody in: its visitor would work in an account of somebody else's
/// choosing. Programs, which say nothing about a page, are served.
pub(super) fn refuse_foreign(core: &Core, headers: &HeaderMap) -> Result<()> {
    match origin::of(headers, &core.settings) {
        Origin::Own | Origin::Unknown => Ok(()),
        Origin::Foreign => Err(Error::Forbidden("pages of that origin may not sign in here")),
    }
}

fn own_page(core: &Core, headers: &HeaderMap) -> Result<()> {
    match origin::of(headers, &core.settings) {
        Origin::Own => Ok(()),
        Origin::Foreign | Origin::Unknown => {
            Err(Error::Forbidden("a cookie only counts from this server's own pages"))
        }
    }
}

/// The session cookie with an access token, as long as that is good.
pub(super) fn set_cookie(
    token: &str,
    client: Client,
    headers: &HeaderMap,
) -> Result<(HeaderName, HeaderValue)> {
    cookie_of(token, ACCESS_TTL_MS / 1000, client, headers)
}

/// `Secure` where a trusted proxy or the browser itself says that the page came over https.
fn cookie_of(
    token: &str,
    max_age_s: i64,
    client: Client,
    headers: &HeaderMap,
) -> Result<(HeaderName, HeaderValue)> {
    let page = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let https = client.https || page.is_some_and(|origin| origin.starts_with(b"https://"));
    let value = cookie::set(token, max_age_s, https);
    let value = value.ok_or_else(|| Error::internal("the cookie has a character it may not"))?;
    Ok((header::SET_COOKIE, value))
}
