//! Handlers of tenants, for the system administrator (`ManageTenants`).
//!
//! * `GET /tenants`, `POST /tenants`, `PATCH /tenants/{id}`

use super::{Edit, New, Tenant, sql};
use crate::{
    error::{Error, Result},
    http::{
        Answer, Core, Json, May, PathOf, QueryOf, idempotency, ok, page::Asked, patch::IfMatch,
        permission::ManageTenants,
    },
    hub::Close,
    id::TenantId,
    users::Hand,
};
use axum::{extract::State, http::HeaderMap, response::Response};

/// `GET /tenants`: all tenants, by name.
///
/// # Errors
/// 403 for all but the system administrator.
pub async fn list(
    State(core): State<Core>,
    _: May<ManageTenants>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Tenant>> {
    let paging = asked.paging()?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::{
            Visit, login,
            setup::{self, Admin},
        },
        auth::password,
        http::testing::{House, ask},
    };
    use axum::{
        Router,
        http::StatusCode,
        routing::{get, patch},
    };
    use serde_json::{Value, json};

    async fn token(house: &House, email: &str) -> Result<String> {
        let sent =
            login::Credentials::checked(Some(email.into()), Some("correct horse".into()), None);
        let visit = Visit::new([127, 0, 0, 1].into(), "");
        let signed_in = login::login(house, sent?, visit).await?;
        Ok(format!("Bearer {}", signed_in.access_token))
    }

    /// A tenant comes with its administrator, who cannot make another; suspended, it is shut out.
    #[tokio::test]
    async fn the_system_administrator_makes_and_suspends_tenants() {
        let house = House::new();
        let hash = password::hash("correct horse").unwrap();
        let admin = Admin::checked("root@example.com", None, None, hash).ok().unwrap();
        setup::first_admin(&house.db, admin).await.unwrap();
        let routes = Router::new()
            .route("/tenants", get(list).post(create))
            .route("/tenants/{id}", patch(update))
            .with_state(Core::clone(&house));
        let root = token(&house, "root@example.com").await.unwrap();
        let root = [("authorization", &*root)];
        let new = json!({ "name": "Acme", "admin_email": "a@acme.example",
            "admin_password": "correct horse" });
        let (status, _, made) = ask(&routes, "POST /tenants", &root, new.clone()).await;
        assert_eq!(
            (status, &made["data"]["admin"]["role"]),
            (StatusCode::CREATED, &json!("admin"))
        );
        let (status, _, told) = ask(&routes, "POST /tenants", &root, new.clone()).await;
        assert_eq!(
            (status, &told["error"]["code"]),
            (StatusCode::CONFLICT, &json!("tenant_exists"))
        );
        let acme = token(&house, "a@acme.example").await.unwrap();
        let theirs = [("authorization", &*acme)];
        assert_eq!(ask(&routes, "POST /tenants", &theirs, new).await.0, StatusCode::FORBIDDEN);
        let (tenant, user) = (&made["data"]["id"], &made["data"]["admin"]["id"]);
        let at =
            (tenant.as_str().unwrap().parse().unwrap(), user.as_str().unwrap().parse().unwrap());
        let socket = house.socket(at, None).await;
        let one = format!("PATCH /tenants/{}", tenant.as_str().unwrap());
        let suspend = json!({ "is_active": false });
        let (status, _, told) = ask(&routes, &one, &root, suspend.clone()).await;
        assert_eq!((status, &told["data"]["version"]), (StatusCode::OK, &json!(2)), "{told}");
        assert_eq!(socket.closed(), Some(Close::Disabled));
        assert_eq!(
            ask(&routes, "GET /tenants", &theirs, Value::Null).await.0,
            StatusCode::UNAUTHORIZED
        );
        assert!(token(&house, "a@acme.example").await.is_err());
        let (_, _, all) = ask(&routes, "GET /tenants", &root, Value::Null).await;
        assert_eq!(all["meta"]["total"], 2);
        let own = all["data"].as_array().unwrap().iter().find(|t| t["name"] == "default").unwrap();
        let own = format!("PATCH /tenants/{}", own["id"].as_str().unwrap());
        let (_, _, told) = ask(&routes, &own, &root, suspend).await;
        assert_eq!(told["error"]["code"], "own_tenant");
        ask(&routes, &one, &root, json!({ "is_active": true })).await;
        assert!(token(&house, "a@acme.example").await.is_ok());
    }
}
