//! `POST /chats/visitor`, for anyone, where the tenant lets visitors in.

use super::{Begun, Gate, New, begin_for, sql};
use crate::http::{Answer, Client, Core, Json, created, origin};
use axum::{extract::State, http::HeaderMap};
use std::sync::Arc;

/// `POST /chats/visitor`: begins a chat; answers it with a token that is good for it for 24 hours.
///
/// # Errors
/// 403 for a page of a site that the tenant does not list, 404 for a key that is nobody's or is
/// switched off, 422, 429 when an address or a tenant's visitors begin too many.
pub async fn begin(
    State(core): State<Core>,
    State(gate): State<Arc<Gate>>,
    client: Client,
    headers: HeaderMap,
    Json(new): Json<New>,
) -> Answer<Begun> {
    gate.admit_address(client.address)?;
    let new = new.checked()?;
    let (key, site) = (new.key.clone(), origin::foreign(&headers, &core.settings));
    let tenant = core.db.read(move |r| sql::host(r, &key, site.as_deref())).await?;
    gate.admit_tenant(tenant)?;
    core.db.write(move |w| begin_for(w, tenant, &new)).await.map(created)
}
