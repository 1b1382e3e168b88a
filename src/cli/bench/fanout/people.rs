//! Who listens: agents of one tenant, or the administrators of many.

use crate::cli::bench::{
    Outcome,
    client::{Api, Pen},
    server::PASSWORD,
};
use serde_json::json;
use std::net::SocketAddr;

/// So many agents of the administrator's tenant, signed in.
pub(super) async fn agents(api: &mut Api, address: SocketAddr, count: usize) -> Outcome<Vec<Pen>> {
    let mut pens = Vec::new();
    for number in 0..count {
        let email = format!("agent{number}@bench.example");
        let agent = json!({"email": email, "name": email, "role": "agent", "password": PASSWORD});
        api.post("/api/v1/users", &agent).await?;
        pens.push(Api::sign_in_as(address, &email).await?.pen());
    }
    Ok(pens)
}

/// The administrators of so many new tenants, signed in.
pub(super) async fn tenants(api: &mut Api, address: SocketAddr, count: usize) -> Outcome<Vec<Pen>> {
    let mut pens = Vec::new();
    for number in 0..count {
        let email = format!("admin@tenant{number}.example");
        let name = format!("Tenant {number}");
        let tenant = json!({"name": name, "admin_email": email, "admin_password": PASSWORD});
        api.post("/api/v1/tenants", &tenant).await?;
        pens.push(Api::sign_in_as(address, &email).await?.pen());
    }
    Ok(pens)
}
