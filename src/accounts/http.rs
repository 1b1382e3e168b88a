//! Handlers of signing in and out.
//!
//! * `POST /auth/login`, `POST /auth/refresh`, `POST /auth/logout`: anyone

use super::{
    SignedIn, Visit,
    login::{self, Credentials},
    refresh, sessions,
};
use crate::{
    auth::token::ACCESS_TTL_MS,
    error::{Error, Result},
    http::{
        Caller, Client, Core, Lenient, Reply, Via, cookie, ok,
        origin::{self, Origin},
    },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::{me, setup, tokens},
        auth::password,
        http::testing::{House, ask},
    };
    use axum::{
        Router,
        http::StatusCode,
        routing::{delete, get, post},
    };
    use serde_json::{Value, json};

    const OWN: (&str, &str) = ("origin", "http://localhost");
    const FOREIGN: (&str, &str) = ("origin", "https://evil.example");

    async fn house() -> (House, Router) {
        let house = House::new();
        let hash = password::hash("correct horse").unwrap();
        let admin = setup::Admin::checked("root@example.com", None, None, hash).ok().unwrap();
        setup::first_admin(&house.db, admin).await.unwrap();
        let routes = Router::new()
            .route("/auth/login", post(login))
            .route("/auth/refresh", post(refresh))
            .route("/auth/logout", post(logout))
            .route("/auth/me", get(me::http::show).patch(me::http::update))
            .route("/auth/password", post(me::http::change_password))
            .route("/auth/sessions", get(sessions::http::list))
            .route("/auth/sessions/{id}", delete(sessions::http::delete))
            .route("/tokens", get(tokens::http::list).post(tokens::http::create))
            .route("/tokens/{id}", delete(tokens::http::delete))
            .route("/setup", post(setup::http::setup))
            .with_state(Core::clone(&house));
        (house, routes)
    }

    fn good() -> Value {
        json!({ "email": "root@example.com", "password": "correct horse", "remember": true })
    }

    /// The cookie as a browser sends it back.
    fn kept(headers: &HeaderMap) -> String {
        let set = headers[header::SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    /// The seed's login, letter by letter, with a field it does not know.
    #[tokio::test]
    async fn a_login_answers_tokens_and_a_cookie_out_of_reach_of_scripts() {
        let (_house, routes) = house().await;
        let (status, headers, body) = ask(&routes, "POST /auth/login", &[OWN], good()).await;
        assert_eq!((status, &body["success"]), (StatusCode::OK, &json!(true)), "{body}");
        let data = &body["data"];
        assert_eq!((&data["token_type"], &data["expires_in"]), (&json!("Bearer"), &json!(43_200)));
        assert_eq!(
            (&data["user"]["role"], data["user"]["webhook_url"].is_null()),
            (&json!("admin"), true)
        );
        assert!(!body.to_string().contains("argon2"), "{body}");
        let set = headers[header::SET_COOKIE].to_str().unwrap();
        assert!(set.contains("HttpOnly; SameSite=Lax; Max-Age=43200") && !set.contains("Secure"));
        let bearer = format!("Bearer {}", data["access_token"].as_str().unwrap());
        let me = ask(&routes, "GET /auth/me", &[("authorization", &bearer)], Value::Null).await.2;
        assert_eq!(me["data"], data["user"]);
        let missing = ask(&routes, "POST /auth/login", &[], Value::Null).await;
        assert_eq!(missing.0, StatusCode::UNPROCESSABLE_ENTITY);
        let fields = &missing.2["error"]["fields"];
        assert!(fields["email"].is_string() && fields["password"].is_string(), "{fields}");
        let wrong = json!({ "email": "root@example.com", "password": "wrong" });
        let (status, headers, body) = ask(&routes, "POST /auth/login", &[], wrong).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (StatusCode::UNAUTHORIZED, &json!("unauthorized"))
        );
        assert!(!headers.contains_key(header::SET_COOKIE));
    }

    /// A foreign page signs nobody in, out, or on; a program without an origin may sign in.
    #[tokio::test]
    async fn foreign_pages_are_refused_before_anything_is_looked_at() {
        let (_house, routes) = house().await;
        let login = |headers: &[(&str, &str)]| {
            let (routes, headers) = (
                routes.clone(),
                headers.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>(),
            );
            async move {
                let headers: Vec<_> =
                    headers.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
                ask(&routes, "POST /auth/login", &headers, good()).await
            }
        };
        assert_eq!(login(&[FOREIGN]).await.0, StatusCode::FORBIDDEN);
        assert_eq!(login(&[("sec-fetch-site", "cross-site")]).await.0, StatusCode::FORBIDDEN);
        let (status, headers, _) = login(&[]).await;
        assert_eq!(status, StatusCode::OK);
        let cookie = ("cookie", &*kept(&headers));
        for path in ["POST /auth/refresh", "POST /auth/logout"] {
            for from in [&[cookie][..], &[cookie, FOREIGN]] {
                let (status, _, body) = ask(&routes, path, from, json!({})).await;
                assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {body}");
            }
        }
        assert_eq!(ask(&routes, "GET /auth/me", &[cookie], Value::Null).await.0, StatusCode::OK);
    }

    /// The cookie of an open page is renewed without showing it a token, until it signs out.
    #[tokio::test]
    async fn a_page_goes_on_by_its_cookie_and_signs_out_as_often_as_it_likes() {
        let (_house, routes) = house().await;
        let (_, headers, _) = ask(&routes, "POST /auth/login", &[OWN], good()).await;
        let cookie = kept(&headers);
        let page = [OWN, ("cookie", &*cookie)];
        let (status, headers, body) = ask(&routes, "POST /auth/refresh", &page, json!({})).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert!(headers.contains_key(header::SET_COOKIE) && !body.to_string().contains("eyJ"));
        for _ in 0..2 {
            let (status, headers, _) = ask(&routes, "POST /auth/logout", &page, Value::Null).await;
            assert_eq!((status, &*kept(&headers)), (StatusCode::OK, "deskbell="));
        }
        assert_eq!(
            ask(&routes, "GET /auth/me", &page, Value::Null).await.0,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            ask(&routes, "POST /auth/refresh", &page, json!({})).await.0,
            StatusCode::UNAUTHORIZED
        );
    }

    /// Own settings, sign-ins and tokens through their routes; what is not known is refused.
    #[tokio::test]
    async fn an_administrator_looks_after_their_account_and_tokens() {
        let (_house, routes) = house().await;
        let (_, _, body) = ask(&routes, "POST /auth/login", &[], good()).await;
        let bearer = format!("Bearer {}", body["data"]["access_token"].as_str().unwrap());
        let by = [("authorization", &*bearer)];
        let edit = json!({ "phone": "+49 1", "notify_prefs": { "own_actions": true } });
        let (_, _, me) = ask(&routes, "PATCH /auth/me", &by, edit).await;
        assert_eq!(
            (&me["data"]["version"], &me["data"]["notify_prefs"]),
            (&json!(2), &json!({ "own_actions": true }))
        );
        let (status, _, told) =
            ask(&routes, "PATCH /auth/me", &by, json!({ "role": "agent" })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        let (_, _, all) = ask(&routes, "GET /auth/sessions?per_page=5", &by, Value::Null).await;
        assert_eq!((&all["meta"]["total"], &all["data"][0]["current"]), (&json!(1), &json!(true)));

        let new = json!({ "name": "ci", "scopes": ["users:read"] });
        let (status, _, made) = ask(&routes, "POST /tokens", &by, new).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let token = format!("Bearer {}", made["data"]["token"].as_str().unwrap());
        let program = [("authorization", &*token)];
        let (_, _, listed) = ask(&routes, "GET /tokens", &by, Value::Null).await;
        assert!(listed["data"][0]["token"].is_null(), "{listed}");
        assert_eq!(
            ask(&routes, "GET /auth/me", &program, Value::Null).await.0,
            StatusCode::FORBIDDEN
        );
        let path = format!("DELETE /tokens/{}", made["data"]["id"].as_str().unwrap());
        assert_eq!(ask(&routes, &path, &by, Value::Null).await.0, StatusCode::OK);
        assert_eq!(ask(&routes, &path, &by, Value::Null).await.0, StatusCode::NOT_FOUND);
        assert_eq!(
            ask(&routes, "GET /auth/me", &program, Value::Null).await.0,
            StatusCode::UNAUTHORIZED
        );

        let own = format!("DELETE /auth/sessions/{}", all["data"][0]["id"].as_str().unwrap());
        assert_eq!(ask(&routes, &own, &by, Value::Null).await.0, StatusCode::OK);
        assert_eq!(ask(&routes, &own, &by, Value::Null).await.0, StatusCode::UNAUTHORIZED);
    }
}
