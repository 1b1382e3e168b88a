//! `GET /events/stream`: the log as server-sent events, for `EventSource`, curl, and proxies that
//! break WebSocket.
//!
//! A stream is a session of the hub like any socket: the same rooms, audience, bounds and replay.
//! Nobody writes to it directly; its body asks the mailbox when the connection takes more. Every
//! message carries `<epoch>-<seq>` as its id, so a browser that comes back says where it was.

mod door;
mod stream;
mod tongue;

pub use door::{open, read_id};
