//! Handlers of tenants, for the system administrator (`ManageTenants`).
//!
//! * `GET /tenants`, `POST /tenants`, `PATCH /tenants/{id}`

use super::{Edit, New, Tenant, sql};
use crate::{
    error::{Error, Result},
    http::{
        Answer, Core, Json, May, PathOf, QueryOf, idempotency, ok, page::Paging, patch::IfMatch,
        permission::ManageTenants,
    },
    hub::Close,
    id::TenantId,
    users::Hand,
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;

/// What the list of tenants may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    page: Option<i64>,
    per_page: Option<i64>,
}

/// `GET /tenants`: all tenants, by name.
///
/// # Errors
/// 403 for all but the system administrator.
pub async fn list(
    State(core): State<Core>,
    _: May<ManageTenants>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Tenant>> {
    let paging = Paging::new(asked.page, asked.per_page)?;
    let (tenants, total) = core.db.read(move |r| sql::list(r, paging)).await?;
    Ok(ok(tenants).with_meta(paging.meta(total)))
}

/// `POST /tenants`: makes a tenant and its administrator; answers both with 201. Takes an
/// `Idempotency-Key`.
///
/// # Errors
/// 409 `tenant_exists`, 422 naming the fields that are wrong.
pub async fn create(
    State(core): State<Core>,
    who: May<ManageTenants>,
    headers: HeaderMap,
    Json(new): Json<New>,
) -> Result<Response> {
    let request = ("POST /tenants", new.clone());
    let (name, admin) = new.checked()?;
    let hash = core.passwords.hash(admin.password.clone().unwrap_or_default()).await?;
    let hand = Hand::of(&who);
    idempotency::once(&core.db, &who, &headers, &request, move |w| {
        super::create_with_admin(w, &hand, &name, &admin, &hash)
    })
    .await
}

/// `PATCH /tenants/{id}`: renames, suspends (`is_active: false`) or wakes a tenant. Suspending
/// closes the sockets of all its people, who cannot sign in until it is woken.
///
/// # Errors
/// 404, 409 `version_conflict`, `tenant_exists` or `own_tenant`, 422.
pub async fn update(
    State(core): State<Core>,
    who: May<ManageTenants>,
    if_match: IfMatch,
    PathOf(id): PathOf<TenantId>,
    Json(mut edit): Json<Edit>,
) -> Answer<Tenant> {
    edit.version = if_match.or(edit.version);
    if let Some(name) = &mut edit.name {
        *name = super::name(name).map_err(|why| Error::field("name", why))?;
    }
    let (own, held) = (who.tenant, core.clone());
    let job = core.db.write(move |w| {
        let (tenant, suspended) = super::change(w, own, id, &edit)?;
        if suspended {
            let core = held.clone();
            w.after_commit(move || {
                core.sessions.forget_all();
                core.hub.close_where(Close::Disabled, |s| s.who.tenant == id);
            });
        }
        Ok(tenant)
    });
    job.await.map(ok)
}
