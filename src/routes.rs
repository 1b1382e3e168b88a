//! Every path on one page. All of the API is at `/api/v1` (seed B) and again at `/api` (seed A).

use crate::{
    accounts::{
        http as accounts, links::http as links, me::http as me, sessions::http as sessions,
        setup::http as setup, tokens::http as tokens,
    },
    agents::{http as agents, reasons::http as reasons, settings::http as agent_settings},
    app::App,
    articles::{categories_http as categories, http as articles, public_http as reading},
    attachments::{download::http as download, http as attachments},
    auth::sql as auth_sql,
    bins::http as bins,
    board::{http as board, settings::http as board_settings},
    calls::{http as calls, list::http as call_lists},
    chats::{
        http as chats, messages::http as messages, settings::http as chat_settings,
        visitors::http as visitors,
    },
    comments::http as comments,
    events::{http as events, journey::http as journey, types::http as event_types},
    http::{Core, frame, origin},
    notifications::http as notifications,
    pages::{assets, health},
    pbx::{cti::http as cti, http as pbx},
    reports::http as reports,
    search::http as search,
    socketio, sse,
    sync::http as sync,
    teams::http as teams,
    tenants::http as tenants,
    tickets::{
        http as tickets,
        kept::{Macro, Tool, View, http as kept},
        list::http as ticket_lists,
        sla::{Calendar, Policy},
    },
    users::http as users,
    webhooks::{
        check::http as check, deliveries::http as deliveries, http as webhooks,
        inbox::http as inbox, keys::http as keys, own::http as own_webhook, replay::http as replay,
    },
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
        .route("/socket.io", any(socketio::answer))
        .route("/socket.io/", any(socketio::answer))
        .route("/bin/{id}", any(bins::receive))
        .route("/bin/{id}/{*rest}", any(bins::receive))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/health", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/", get(assets::home))
        .route("/setup", get(assets::setup))
        .route("/invite", get(assets::invite))
        .route("/admin", get(assets::admin))
        .route("/admin/{*page}", get(assets::admin))
        .route("/help", get(assets::help))
        .route("/help/{*page}", get(assets::help))
        .route("/kb", get(assets::knowledge))
        .route("/kb/{slug}", get(assets::knowledge))
        .route("/widget.js", get(assets::widget))
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
        .merge(tickets())
        .merge(conversation())
        .merge(chats())
        .merge(notifications_and_teams())
        .merge(knowledge())
        .route("/events", get(events::list).post(events::publish))
        .route("/events/stream", get(sse::open))
        .route("/events/batch", post(events::publish_batch))
        .route("/events/{seq}", get(events::show))
        .route("/events/{seq}/journey", get(journey::show))
        .route("/sync", get(sync::sync))
        .route("/event-types", get(event_types::list))
        .route(
            "/event-types/{name}",
            post(event_types::create).patch(event_types::change).delete(event_types::delete),
        )
        .merge(webhooks())
        .merge(floor())
        .merge(calls())
        .merge(telephones())
        .route("/{*unknown}", any(assets::unknown))
}

fn floor() -> Router<App> {
    Router::new()
        .route("/agent-state", get(agents::board))
        .route("/agent-state/me", get(agents::mine).post(agents::set_mine))
        .route("/agent-state/reasons", get(reasons::list).post(reasons::create))
        .route("/agent-state/reasons/{id}", patch(reasons::update).delete(reasons::delete))
        .route("/agent-state/settings", get(agent_settings::show).patch(agent_settings::update))
        .route("/agent-state/{user}", put(agents::set_theirs))
        .route("/agent-state/{user}/settings", patch(agent_settings::update_one))
        .route("/agent-state/{user}/history", get(agents::history))
        .route("/agent-state/{user}/history.csv", get(agents::export))
        .route("/board", get(board::show))
        .route("/reports/{name}", get(reports::show))
        .route("/board/settings", get(board_settings::show).patch(board_settings::update))
}

fn calls() -> Router<App> {
    Router::new()
        .route("/calls", get(call_lists::list).post(calls::create))
        .route("/calls.csv", get(call_lists::export))
        .route("/calls/{id}", get(calls::show))
        .route("/calls/{id}/ring", post(calls::ring))
        .route("/calls/{id}/answer", post(calls::answer))
        .route("/calls/{id}/hold", post(calls::hold))
        .route("/calls/{id}/resume", post(calls::resume))
        .route("/calls/{id}/transfer", post(calls::transfer))
        .route("/calls/{id}/end", post(calls::end))
        .route("/calls/{id}/wrapup", post(calls::wrap_up))
        .route("/calls/{id}/ticket", post(calls::ticket))
}

fn telephones() -> Router<App> {
    Router::new()
        .route("/pbx", get(pbx::list).post(pbx::create))
        .route("/pbx/{id}", get(pbx::show).patch(pbx::update).delete(pbx::delete))
        .route("/pbx/{id}/test", post(pbx::test))
        .route("/pbx/{id}/rotate-token", post(pbx::rotate_token))
        .route("/cti/{token}", post(cti::post))
}

fn webhooks() -> Router<App> {
    Router::new()
        .route("/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/webhooks/check", post(check::check))
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
        .route("/webhooks/{id}/rotate-secret", post(keys::rotate))
        .route("/webhooks/{id}/pause", post(webhooks::pause))
        .route("/webhooks/{id}/resume", post(webhooks::resume))
        .route("/webhooks/{id}/replay", post(replay::make))
        .route("/replays/{id}", get(replay::show).delete(replay::cancel))
        .route("/deliveries/{id}", get(deliveries::show))
        .route("/deliveries/{id}/retry", post(deliveries::retry))
        .route("/deliveries/{id}/cancel", post(deliveries::cancel))
        .route("/bins", get(bins::list).post(bins::create))
        .route("/bins/{id}", get(bins::show).patch(bins::change).delete(bins::delete))
        .route("/bins/{id}/requests", get(bins::requests))
}

fn conversation() -> Router<App> {
    Router::new()
        .route("/tickets/{id}/comments", get(comments::list).post(comments::create))
        .route(
            "/comments/{id}",
            get(comments::show).patch(comments::update).delete(comments::delete),
        )
        .route(
            "/tickets/{id}/attachments",
            get(attachments::of_ticket).post(attachments::add_to_ticket),
        )
        .route(
            "/comments/{id}/attachments",
            get(attachments::of_comment).post(attachments::add_to_comment),
        )
        .route(
            "/kb/articles/{id}/attachments",
            get(attachments::of_article).post(attachments::add_to_article),
        )
        .route(
            "/attachments/{id}",
            get(attachments::show).patch(attachments::update).delete(attachments::delete),
        )
        .route("/attachments/{id}/download", get(download::download))
}

fn chats() -> Router<App> {
    Router::new()
        .route("/chats", get(chats::list).post(chats::create))
        .route("/chats/visitor", post(visitors::begin))
        .route("/chats/settings", get(chat_settings::show).patch(chat_settings::update))
        .route("/chats/{id}", get(chats::show).patch(chats::update))
        .route("/chats/{id}/messages", get(messages::list).post(messages::create))
        .route("/chats/{id}/messages/{message}", patch(messages::update).delete(messages::delete))
        .route(
            "/chats/{id}/messages/{message}/attachments",
            get(attachments::of_message).post(attachments::add_to_message),
        )
        .route("/chats/{id}/read", post(messages::read))
        .route("/chats/{id}/assign", post(chats::assign))
        .route("/chats/{id}/transfer", post(chats::transfer))
        .route("/chats/{id}/close", post(chats::close))
        .route("/chats/{id}/reopen", post(chats::reopen))
        .route("/chats/{id}/ticket", post(chats::ticket))
}

fn knowledge() -> Router<App> {
    Router::new()
        .route("/kb/articles", get(articles::list).post(articles::make))
        .route(
            "/kb/articles/{id}",
            get(articles::show).patch(articles::update).delete(articles::delete),
        )
        .route("/kb/articles/{id}/publish", post(articles::publish))
        .route("/kb/articles/{id}/unpublish", post(articles::unpublish))
        .route("/kb/articles/{id}/archive", post(articles::archive))
        .route("/kb/articles/{id}/vote", post(articles::vote))
        .route("/kb/public", get(reading::list))
        .route("/kb/public/{slug}", get(reading::read))
        .route("/kb/categories", get(categories::list).post(categories::make))
        .route("/kb/categories/{id}", patch(categories::update).delete(categories::delete))
        .route("/search", get(search::search))
}

fn accounts_and_presence() -> Router<App> {
    Router::new()
        .route("/setup", post(setup::setup))
        .route("/auth/login", post(accounts::login))
        .route("/auth/refresh", post(accounts::refresh))
        .route("/auth/logout", post(accounts::logout))
        .route("/auth/invite/{token}", post(links::accept))
        .route("/auth/reset/{token}", post(links::reset))
        .route("/auth/me", get(me::show).patch(me::update))
        .route("/auth/password", post(me::change_password))
        .route("/auth/sessions", get(sessions::list))
        .route("/auth/sessions/{id}", delete(sessions::delete))
        .route("/tokens", get(tokens::list).post(tokens::create))
        .route("/tokens/{id}", delete(tokens::delete))
        .route("/users", get(users::list).post(users::create))
        .route("/users/{id}", get(users::show).patch(users::update).delete(users::delete))
        .route("/users/{id}/reset-link", post(users::reset_link))
        .route("/tenants", get(tenants::list).post(tenants::create))
        .route("/tenants/{id}", patch(tenants::update))
        .route("/ws", get(ws::upgrade))
        .route("/ws/ticket", post(ws::issue_ticket))
        .route("/ws/users/{id}/online", get(ws::http::is_online))
        .route("/ws/online", get(ws::http::online))
        .route("/ws/stats", get(ws::http::stats))
        .route("/ws/connections", get(ws::connections::list))
        .route("/ws/connections/{id}", delete(ws::connections::end))
}

fn tickets() -> Router<App> {
    Router::new()
        .route("/tickets", get(ticket_lists::list).post(tickets::create))
        .route("/tickets.csv", get(ticket_lists::export))
        .route("/tickets/bulk", post(tickets::bulk))
        .route("/tickets/{id}", get(tickets::show).patch(tickets::update).delete(tickets::delete))
        .route("/tickets/{id}/assign", post(tickets::assign))
        .route("/tickets/{id}/unassign", post(tickets::unassign))
        .route("/tickets/{id}/follow", post(tickets::follow))
        .route("/tickets/{id}/unfollow", post(tickets::unfollow))
        .route("/tickets/{id}/merge", post(tickets::merge))
        .route("/tickets/{id}/reopen", post(tickets::reopen))
        .route("/tickets/{id}/restore", post(tickets::restore))
        .route("/tickets/{id}/timeline", get(tickets::timeline))
        .route("/tickets/{id}/macros/{macro}", post(kept::apply))
        .merge(kept_at::<Policy>("/sla-policies"))
        .merge(kept_at::<Calendar>("/calendars"))
        .merge(kept_at::<Macro>("/macros"))
        .merge(kept_at::<View>("/views"))
}

/// What staff keep is listed, made, changed and deleted in one way, whatever it is.
fn kept_at<T: Tool>(path: &str) -> Router<App> {
    Router::new().route(path, get(kept::list::<T>).post(kept::create::<T>)).route(
        &format!("{path}/{{id}}"),
        get(kept::show::<T>).patch(kept::update::<T>).delete(kept::delete::<T>),
    )
}

fn notifications_and_teams() -> Router<App> {
    Router::new()
        .route("/notifications", get(notifications::list))
        .route("/notifications/unread-count", get(notifications::unread_count))
        .route("/notifications/read-all", post(notifications::read_all))
        .route("/notifications/webhooks/notifications", get(inbox::list).post(inbox::receive))
        .route("/notifications/{id}", delete(notifications::delete))
        .route("/notifications/{id}/read", post(notifications::read))
        .route("/users/me/webhook", get(own_webhook::show).put(own_webhook::put))
        .route("/users/me/webhook/test", post(own_webhook::test))
        .route("/users/me/webhook/rotate-secret", post(own_webhook::rotate_secret))
        .route("/users/me/webhook/logs", get(own_webhook::logs))
        .route("/teams", get(teams::list).post(teams::create))
        .route("/teams/{id}", get(teams::show).patch(teams::update).delete(teams::delete))
}

/// Pages elsewhere may call with a token if the operator listed them; never with our cookie.
///
/// What a visitor may do, pages of a site may ask for that any tenant lists: whether it is the
/// right one is judged with the token.
fn cors(core: Core) -> CorsLayer {
    let listed = move |origin: HeaderValue, parts: &Parts| {
        let (core, is_for_visitors) = (core.clone(), is_for_visitors(parts.uri.path()));
        async move {
            let Ok(origin) = origin.to_str() else { return false };
            if origin::is_listed(origin, &core.settings) {
                return true;
            }
            let origin = origin.to_ascii_lowercase();
            is_for_visitors
                && core.db.read(move |r| auth_sql::is_site(r, &origin)).await.unwrap_or(false)
        }
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::async_predicate(listed))
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

/// Whether visitors' tokens, or none, are good for anything at this path.
fn is_for_visitors(path: &str) -> bool {
    let path = path.strip_prefix("/api").unwrap_or_default();
    let path = path.strip_prefix("/v1").unwrap_or(path);
    path == "/events" || path == "/events/stream" || path.starts_with("/chats/")
}
