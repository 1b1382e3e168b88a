//! The handler of the first start.
//!
//! * `POST /setup`: anyone who has the link, until there is an administrator

use super::Form;
use crate::{
    accounts::{
        SignedIn,
        http::{WithCookie, refuse_foreign, set_cookie, visit},
    },
    http::{Client, Core, Json, created},
};
use axum::{extract::State, http::HeaderMap};

/// `POST /setup`: makes the first administrator and signs them in; answers like a login, with 201.
///
/// # Errors
/// 401 for a link that is not known, 403 from a foreign page, 404 once there is an administrator,
/// 410 `setup_link_expired`, 422 naming the fields that are wrong.
pub async fn setup(
    State(core): State<Core>,
    client: Client,
    headers: HeaderMap,
    Json(form): Json<Form>,
) -> WithCookie<SignedIn> {
    refuse_foreign(&core, &headers)?;
    let signed_in = super::complete(&core, form, visit(client, &headers)).await?;
    let cookie = set_cookie(&signed_in.access_token, client, &headers)?;
    Ok(([cookie], created(signed_in)))
}
