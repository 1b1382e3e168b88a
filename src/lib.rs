//! Deskbell: a help desk, a call floor and the bell that rings when they change.
//!
//! The house, from the ground up. Imports go down, never up; `tests/tidy.rs` checks it.
//!
//! * **Words**, no I/O: [`event`], [`error`], [`id`], [`time`] (the only clock),
//!   [`exit`] (exit codes and the failure that `main` prints).
//! * **Machinery**, knows no ticket: [`auth`] (tokens, passwords, roles), [`config`] (flags,
//!   environment, `.env`, data folder), [`logging`].
//! * **The front door**: [`cli`], one file a command.

pub mod auth;
pub mod cli;
pub mod config;
pub mod error;
pub mod event;
pub mod exit;
pub mod id;
pub mod logging;
pub mod time;
