//! Every path on one page. All of the API is at `/api/v1` (seed B) and again at `/api` (seed A).

use crate::{
    accounts::{
        http as accounts, me::http as me, sessions::http as sessions, setup::http as setup,
        tokens::http as tokens,
    },
    agents::http as agents,
    app::App,
    events::http as events,
    http::{Core, frame, origin},
    pages::{assets, health},
    tenants::http as tenants,
    users::http as users,
    webhooks::http as webhooks,
    ws,
};
use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, header, request::Parts},
    middleware,
    routing::{any, delete, get, patch, post, put},
};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The whole server as one service.
pub(crate) fn all(app: App) -> Router {
    let core = app.core.clone();
    Router::new()
        .nest("/api/v1", api())
        .nest("/api", api())
        .route("/ws", get(ws::upgrade))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/health", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/", get(assets::home))
        .route("/setup", get(assets::setup))
        .route("/admin", get(assets::admin))
        .route("/admin/{*page}", get(assets::admin))
        .route("/favicon.ico", get(assets::favicon))
        .route("/assets/{*path}", get(assets::asset))
        .fallback(assets::unknown)
        .method_not_allowed_fallback(assets::wrong_method)
        .with_state(app)
        .layer(cors(core.clone()))
        .layer(middleware::from_fn_with_state(core, frame::frame))
}

fn api() -> Router<App> {
    Router::new()
        .merge(accounts_and_presence())
        .route("/events", get(events::list).post(events::publish))
        .route("/events/batch", post(events::publish_batch))
        .route("/events/{seq}", get(events::show))
        .route("/event-types", get(events::types))
        .route("/webhooks", get(webhooks::list).post(webhooks::create))
        .route(
            "/webhooks/{id}",
            get(webhooks::show)
                .put(webhooks::change)
                .patch(webhooks::change)
                .delete(webhooks::delete),
        )
        .route("/webhooks/{id}/test", post(webhooks::test))
        .route("/webhooks/{id}/logs", get(webhooks::logs))
        .route("/webhooks/{id}/stats", get(webhooks::stats))
        .route("/agent-state", get(agents::board))
        .route("/agent-state/me", get(agents::mine).post(agents::set_mine))
        .route("/agent-state/{user}", put(agents::set_theirs))
        .route("/agent-state/{user}/history", get(agents::history))
        .route("/{*unknown}", any(assets::unknown))
}

fn accounts_and_presence() -> Router<App> {
    Router::new()
        .route("/setup", post(setup::setup))
        .route("/auth/login", post(accounts::login))
        .route("/auth/refresh", post(accounts::refresh))
        .route("/auth/logout", post(accounts::logout))
        .route("/auth/me", get(me::show).patch(me::update))
        .route("/auth/password", post(me::change_password))
        .route("/auth/sessions", get(sessions::list))
        .route("/auth/sessions/{id}", delete(sessions::delete))
        .route("/tokens", get(tokens::list).post(tokens::create))
        .route("/tokens/{id}", delete(tokens::delete))
        .route("/users", get(users::list).post(users::create))
        .route("/users/{id}", get(users::show).patch(users::update).delete(users::delete))
        .route("/tenants", get(tenants::list).post(tenants::create))
        .route("/tenants/{id}", patch(tenants::update))
        .route("/ws", get(ws::upgrade))
        .route("/ws/ticket", post(ws::issue_ticket))
        .route("/ws/users/{id}/online", get(ws::http::is_online))
        .route("/ws/online", get(ws::http::online))
        .route("/ws/stats", get(ws::http::stats))
}

/// Pages elsewhere may call with a token if the operator listed them; never with our cookie.
fn cors(core: Core) -> CorsLayer {
    let listed = move |origin: &HeaderValue, _: &Parts| {
        origin.to_str().is_ok_and(|origin| origin::is_listed(origin, &core.settings))
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(listed))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            HeaderName::from_static("idempotency-key"),
        ])
        .expose_headers([frame::REQUEST_ID, header::RETRY_AFTER])
        .max_age(Duration::from_secs(600))
}
