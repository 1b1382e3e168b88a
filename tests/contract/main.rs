//! The contract, tested from outside: every test starts the built program and speaks to it as its
//! clients do. Nothing here knows how Deskbell is made.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that trips over something fails, which is what it is for"
)]

mod clients;
mod crash;
mod harness;
mod hook_retries;
mod hooks;
mod joining;
mod quick_start;
mod smoke;
mod wire;
mod ws_admission;
mod ws_audience;
mod ws_bounds;
mod ws_frames;
mod ws_presence;
