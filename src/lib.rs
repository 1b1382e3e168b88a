//! Deskbell: a help desk, a call floor and the bell that rings when they change.
//!
//! The house, from the ground up. Imports go down, never up; `tests/tidy.rs` checks it.
//!
//! * **Words**, no I/O: [`event`], [`error`], [`id`], [`time`] (the only clock),
//!   [`exit`] (exit codes and the failure that `main` prints).
//! * **Machinery**, knows no ticket: [`db`] (writer, readers, log), [`bell`] (log → hub), [`hub`]
//!   (ringer, sessions, presence), [`auth`] (tokens, passwords, sign-ins), [`config`] (flags,
//!   environment, `.env`, data folder), [`logging`].
//! * **Threshold**, knows no ticket and no SQL: [`http`] (callers, permissions, bodies, replies).
//! * **Rooms**, know no socket: [`tenants`], [`users`], [`accounts`] (sign-in, sign-ins, programs'
//!   tokens, the first administrator), [`teams`], [`tickets`], [`comments`], [`attachments`] (their
//!   rows and bytes), [`agents`] (their states), [`calls`] (who rings, who answers),
//!   [`board`] (all of it at one look), [`reports`] (how it was),
//!   [`notifications`] (who is told what), [`erasure`]
//!   (forgetting a person), [`events`] (the log from outside), [`sync`] (what a client shows),
//!   [`webhooks`] (endpoints, users' own ones, the delivery engine), [`bins`] (addresses of our
//!   own that keep what is sent to them, for trying webhooks out), [`chats`] (with customers
//!   and visitors), [`pbx`] (telephone systems: what they say of calls and agents, and what they
//!   are asked to do), [`retention`] (what is forgotten, and when).
//! * **Doors**, know no SQL: [`pages`] (assets, health), [`ws`] (WebSocket), [`socketio`],
//!   [`sse`] (server-sent events).
//! * **The front door**: [`cli`], one file a command; [`app`] wires it all.

pub mod accounts;
pub mod agents;
pub mod app;
pub mod articles;
pub mod attachments;
pub mod auth;
pub mod bell;
pub mod bins;
pub mod board;
pub mod calls;
pub mod chats;
pub mod cli;
pub mod comments;
pub mod config;
pub mod db;
pub mod erasure;
pub mod error;
pub mod event;
pub mod events;
pub mod exit;
pub mod http;
pub mod hub;
pub mod id;
pub mod listen;
pub mod logging;
pub mod notifications;
pub mod pages;
pub mod pbx;
pub mod reports;
pub mod retention;
mod routes;
pub mod search;
pub mod socketio;
pub mod sse;
pub mod sync;
pub mod teams;
pub mod tenants;
pub mod tickets;
pub mod time;
pub mod users;
pub mod webhooks;
pub mod ws;

/// A folder that goes when the test ends.
#[cfg(test)]
fn test_folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}
