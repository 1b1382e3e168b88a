//! Deskbell: a help desk, a call floor and the bell that rings when they change.
//!
//! The house, from the ground up. Imports go down, never up; `tests/tidy.rs` checks it.
//!
//! * **Words**, no I/O: [`event`], [`error`], [`id`], [`time`] (the only clock).
//! * **Machinery**, knows no ticket: [`auth`] (tokens, passwords, roles).
//! * **Rooms**, know no socket: [`webhooks`] (addresses, signatures, schedules, the one POST).

pub mod auth;
pub mod error;
pub mod event;
pub mod id;
pub mod time;
pub mod webhooks;
