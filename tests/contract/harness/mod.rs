//! What every test of the contract needs: a server, people, sockets, and somebody to deliver to.

#![allow(dead_code, reason = "each test program uses its own part of the harness")]
#![allow(unused_imports, reason = "as above")]

mod http;
mod line;
mod output;
mod pbx;
mod people;
mod receiver;
mod server;
mod socket;
mod stream;

pub(crate) use http::{Api, Request, Response};
pub(crate) use line::{Line, ON_POLLING, ON_WEBSOCKET, handshake, poll_path};
pub(crate) use output::{Ended, Output};
pub(crate) use pbx::{Caller, Fields, Lists, Pbx, recording};
pub(crate) use people::{ADMIN_EMAIL, PASSWORD, Session, Tenant};
pub(crate) use receiver::{Play, Received, Receiver};
pub(crate) use server::{Running, Server, Setup};
pub(crate) use socket::{Frame, Socket};
pub(crate) use stream::{Message, Stream};

use std::time::Duration;

/// How long anything may take before a test gives up on it. Generous, because nothing waits for it
/// unless something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
