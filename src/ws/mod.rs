//! `/ws`: B's WebSocket, with `seq`, resume and a hello for those who ask.
//!
//! The upgrade gives the bare TCP stream back, so that the ringer can write to it directly; reading
//! is one small task per socket, which events do not wake. What another door with WebSockets needs
//! too is public: [`Handshake`], [`Talk`], [`wire`].

mod asks;
pub mod connections;
mod door;
mod frames;
mod handshake;
pub mod http;
mod inbound;
mod pace;
mod socket;
mod talk;
mod ticket;
pub mod wire;

pub use asks::{Ask, Join, Refusal, Said};
pub use door::{issue_ticket, upgrade};
pub use handshake::Handshake;
pub use inbound::{BYTES_PER_SECOND, PER_SECOND};
pub use pace::Pace;
pub use talk::{Allowance, Hear, Next, Talk};
pub use ticket::Tickets;
