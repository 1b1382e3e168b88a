//! The threshold between the wire and the rooms: who is calling, what they sent, what they get.

pub mod body;
pub mod caller;
mod client;
pub mod cookie;
mod core;
pub mod csv;
pub mod frame;
pub mod idempotency;
pub mod metrics;
pub mod origin;
pub mod page;
pub mod patch;
pub mod permission;
pub mod reply;
mod wording;

#[cfg(test)]
pub(crate) mod testing;
pub mod waiting;

pub use self::core::{Core, CoreParts, Settings};
pub use body::{Json, Lenient, PathOf, QueryOf};
pub use caller::{Anyone, Caller, Via};
pub use client::{Client, Peer, user_agent};
pub use permission::May;
pub use reply::{Answer, Reply, created, ok};
