//! Who is connected, as B's endpoints report it.

use crate::{
    auth::Role,
    http::{Answer, Core, May, PathOf, ok, permission::ReadPresence},
    id::UserId,
    time,
};
use axum::extract::State;
use serde::Serialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::atomic::Ordering};

/// `GET /ws/users/{id}/online` (seed B). A user of another tenant is never online here.
///
/// # Errors
/// 403 for customers.
pub async fn is_online(
    State(core): State<Core>,
    who: May<ReadPresence>,
    PathOf(user): PathOf<UserId>,
) -> Answer<Value> {
    Ok(ok(json!({ "online": core.hub.presence().is_online(who.tenant, user) })))
}

/// One user who is here.
#[derive(Debug, Serialize)]
pub struct Online {
    user_id: UserId,
    name: String,
    role: Role,
    connections: usize,
    #[serde(serialize_with = "time::as_rfc3339")]
    since: i64,
    #[serde(serialize_with = "time::as_rfc3339")]
    last_seen: i64,
}

/// `GET /ws/online`: who of the tenant is here.
///
/// # Errors
/// 403 for customers.
pub async fn online(State(core): State<Core>, who: May<ReadPresence>) -> Answer<Vec<Online>> {
    let here = core.hub.presence().online(who.tenant);
    let rows = here.into_iter().map(|p| Online {
        user_id: p.user,
        name: p.name,
        role: p.role,
        connections: p.connections,
        since: p.since_ms,
        last_seen: p.last_seen_ms,
    });
    Ok(ok(rows.collect()))
}

/// `GET /ws/stats` (seed B): exactly its three fields, and ours under `hub`. Only the system
/// administrator sees other tenants.
///
/// # Errors
/// 403 for customers.
pub async fn stats(State(core): State<Core>, who: May<ReadPresence>) -> Answer<Value> {
    let counts = core.hub.counts();
    let all = who.is_system_admin;
    let by_tenant: BTreeMap<String, usize> = counts
        .by_tenant
        .iter()
        .filter(|(tenant, _)| all || **tenant == who.tenant)
        .map(|(tenant, clients)| (tenant.to_string(), *clients))
        .collect();
    let rung = core.hub.rung();
    Ok(ok(json!({
        "total_clients": by_tenant.values().sum::<usize>(),
        "total_tenants": by_tenant.len(),
        "clients_by_tenant": by_tenant,
        "hub": {
            "users_online": core.hub.presence().online(who.tenant).len(),
            "latest_seq": core.db.latest_seq(),
            "events_carried": rung.events.load(Ordering::Relaxed),
            "events_handed_out": rung.deliveries.load(Ordering::Relaxed),
        },
    })))
}
