//! The Engine.IO and Socket.IO protocols, spoken byte for byte to the conformance server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that trips over something fails, which is what it is for"
)]

mod echo;
mod engine;
mod rfc6455;
#[path = "../conformance/server.rs"]
mod server;
mod sockets;
mod wire;
