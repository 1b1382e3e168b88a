//! `/socket.io/`: Socket.IO 5 on Engine.IO 4, over polling and WebSocket, for seed A's clients.
//!
//! From the ground up: [`packet`] reads and writes both formats; `line` is one Engine.IO session,
//! whatever its transport; [`Engine`] begins, watches and ends sessions, with `polling` and
//! `socket` as its two transports; `namespaces` is Socket.IO on a session, and knows its house only
//! as a [`Desk`]; `door` is Deskbell's desk: sign-in, rooms, and going on from where one was.
//!
//! What goes out waits as WebSocket frames in the same mailbox as on `/ws`, so that the ringer
//! writes straight to the socket. A poll takes whole messages out of it instead; an upgrade gives
//! it a socket, and has nothing to carry over.

mod asked;
mod door;
mod engine;
mod line;
mod namespaces;
pub mod packet;
mod polling;
mod refused;
mod socket;
mod tongue;
mod wishes;

pub use door::{Door, answer};
pub use engine::{Engine, Reception, Settings};
pub use line::{Guest, Line};
pub use namespaces::{Bounds, Desk, Event, Knock, event, reception};
