//! The contract, tested from outside: every test starts the built program and speaks to it as its
//! clients do. Nothing here knows how Deskbell is made.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that trips over something fails, which is what it is for"
)]
#![allow(clippy::needless_pass_by_value, reason = "what a test sends reads best as `json!(…)`")]

mod accounts;
mod agents;
mod agents_away;
mod agents_rules;
mod bad_peers;
mod bins;
mod board;
mod calls;
mod calls_errors;
mod calls_found;
mod calls_written_up;
mod catalogue;
mod chaos;
mod chats;
mod chats_given;
mod chats_visitors;
mod cli;
mod clients;
mod crash;
mod crash_chats;
mod crash_floor;
mod credentials;
mod crowds;
mod demo;
mod desk_errors;
mod desk_files;
mod doors;
mod erasure;
mod errors;
mod event_types;
mod events;
mod harness;
mod hook_care;
mod hook_engine;
mod hook_health;
mod hook_proxy;
mod hook_replays;
mod hook_retries;
mod hooks;
mod hostile;
mod joining;
mod leaks;
mod leaks_past;
mod leaks_world;
mod limits;
mod links;
mod long_poll;
mod lost_rights;
mod notified;
mod operator;
mod pbx;
mod pbx_cti;
mod pbx_faults;
mod pbx_orders;
mod quick_start;
mod races;
mod reading;
mod reports;
mod restarts;
mod resuming;
mod roles;
mod roles_calls;
mod roles_desk;
mod roles_floor;
mod roles_pbx;
mod search;
mod seed_a;
mod setup;
mod slow_peers;
mod smoke;
mod snippets;
mod socketio;
mod socketio_clients;
mod socketio_outage;
mod socketio_recovery;
mod start;
mod starting_over;
mod streams;
mod sync;
mod users;
mod webhooks;
mod wire;
mod ws_admission;
mod ws_audience;
mod ws_bounds;
mod ws_frames;
mod ws_presence;
mod ws_signs;
mod ws_topics;
