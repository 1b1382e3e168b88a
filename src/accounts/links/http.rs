//! Handlers of links, for whoever has one.
//!
//! * `POST /auth/invite/{token}`, `POST /auth/reset/{token}`: anyone with the link

use super::{Kind, follow};
use crate::{
    accounts::{
        SignedIn,
        http::{WithCookie, refuse_foreign, set_cookie, visit},
    },
    http::{Client, Core, Json, PathOf, ok},
};
use axum::{extract::State, http::HeaderMap};
use serde::Deserialize;

/// The password that is chosen. Not `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    password: String,
}

/// `POST /auth/invite/{token}`: sets the first password of who was invited and signs them in;
/// answers like a login.
///
/// # Errors
/// 401 for a link that is not known or was used, 403 from a foreign page, 410 `link_expired`, 422.
pub async fn accept(
    State(core): State<Core>,
    client: Client,
    headers: HeaderMap,
    PathOf(token): PathOf<String>,
    Json(chosen): Json<Chosen>,
) -> WithCookie<SignedIn> {
    by_link(&core, (client, &headers), (Kind::Invite, &token), chosen).await
}

/// `POST /auth/reset/{token}`: sets another password, ends all sign-ins and begins a new one;
/// answers like a login.
///
/// # Errors
/// As [`accept`].
pub async fn reset(
    State(core): State<Core>,
    client: Client,
    headers: HeaderMap,
    PathOf(token): PathOf<String>,
    Json(chosen): Json<Chosen>,
) -> WithCookie<SignedIn> {
    by_link(&core, (client, &headers), (Kind::Reset, &token), chosen).await
}

async fn by_link(
    core: &Core,
    (client, headers): (Client, &HeaderMap),
    link: (Kind, &str),
    chosen: Chosen,
) -> WithCookie<SignedIn> {
    refuse_foreign(core, headers)?;
    let signed_in = follow(core, link, chosen.password, visit(client, headers)).await?;
    let cookie = set_cookie(&signed_in.access_token, client, headers)?;
    Ok(([cookie], ok(signed_in)))
}
