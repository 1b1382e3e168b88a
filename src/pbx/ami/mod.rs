//! The Asterisk Manager Interface on the wire: what comes is read, what is asked is written. Pure.
//!
//! A connection begins with one line, the banner. Then messages go both ways: lines of `Key: value`
//! ended by CR LF, and an empty line after the last. What a PBX sends is either an answer (it has
//! `Response` and the `ActionID` it answers) or an event (it has `Event`).

mod action;
mod frame;
#[cfg(test)]
mod tests;

pub use action::Action;
pub use frame::{Broken, Frame, LINE_MAX, LINES_MAX, MESSAGE_MAX, Message, Parser};
