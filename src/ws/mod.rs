//! `/ws`: B's WebSocket, with `seq`, resume and a hello for those who ask.
//!
//! The upgrade gives the bare TCP stream back, so that the ringer can write to it directly; reading
//! is one small task per socket, which events do not wake.

mod door;
mod frames;
pub mod http;
mod inbound;
mod socket;
mod ticket;

pub use door::{issue_ticket, upgrade};
pub use ticket::Tickets;
