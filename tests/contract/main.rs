//! The contract, tested from outside: every test starts the built program and speaks to it as its
//! clients do. Nothing here knows how Deskbell is made.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that trips over something fails, which is what it is for"
)]
#![allow(clippy::needless_pass_by_value, reason = "what a test sends reads best as `json!(…)`")]

mod accounts;
mod agents;
mod clients;
mod crash;
mod credentials;
mod demo;
mod errors;
mod events;
mod harness;
mod hook_retries;
mod hooks;
mod joining;
mod limits;
mod notified;
mod quick_start;
mod roles;
mod roles_desk;
mod search;
mod seed_a;
mod setup;
mod smoke;
mod socketio;
mod socketio_clients;
mod socketio_outage;
mod socketio_recovery;
mod start;
mod users;
mod webhooks;
mod wire;
mod ws_admission;
mod ws_audience;
mod ws_bounds;
mod ws_frames;
mod ws_presence;
