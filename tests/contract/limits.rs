//! What the operator may bound: requests of one user, new sockets of everybody.

use crate::harness::{Server, Setup, Socket};

#[test]
fn a_bound_on_requests_holds_for_each_user_alone() {
    let server = Server::with(|setup: Setup| setup.env("API_RATE", "3"));
    let admin = server.admin();
    let answers: Vec<u16> = (0..20).map(|_| admin.get("/api/v1/auth/me").status).collect();
    let (good, bounded): (Vec<u16>, Vec<u16>) = answers.iter().partition(|s| **s == 200);
    assert!(!good.is_empty() && !bounded.is_empty(), "{answers:?}");
    assert!(bounded.iter().all(|status| *status == 429), "{answers:?}");
}

#[test]
fn a_bound_on_new_sockets_is_told_before_the_upgrade() {
    let server = Server::with(|setup: Setup| setup.env("WS_ACCEPT_PER_S", "1"));
    let admin = server.admin();
    let _first = Socket::open(&admin);
    let bearer = format!("Bearer {}", admin.token());
    crate::ws_admission::refused(&server, "/ws", &[("authorization", &bearer)], (503, "busy"));
}
