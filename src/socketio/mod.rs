//! Socket.IO.

mod engine;
mod line;
mod namespaces;
pub mod packet;
mod polling;
mod refused;
mod socket;

pub use engine::{Engine, Reception, Settings, fresh_id};
pub use line::{Guest, Line};
pub use namespaces::{Bounds, Desk, Event, Knock, event, reception};
