//! The six states, and what somebody may ask for.

use crate::error::{Error, Result};
use serde::Serialize;
use std::{fmt, str::FromStr};

/// What an agent is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Ready for calls and chats.
    Available,
    /// Away for a while.
    Away,
    /// Working, and not to be disturbed.
    Busy,
    /// Not working.
    Offline,
    /// In a call.
    OnCall,
    /// After a call, with what it leaves to do.
    WrapUp,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Available, Self::Away, Self::Busy, Self::Offline, Self::OnCall, Self::WrapUp];

    /// Those that can be chosen; the others come with calls.
    pub const CHOSEN: [Self; 4] = [Self::Available, Self::Away, Self::Busy, Self::Offline];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Away => "away",
            Self::Busy => "busy",
            Self::Offline => "offline",
            Self::OnCall => "on_call",
            Self::WrapUp => "wrap_up",
        }
    }

    /// Whether a call put the agent there.
    pub fn is_made(self) -> bool {
        matches!(self, Self::OnCall | Self::WrapUp)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for State {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or(())
    }
}

/// Longest reason, characters.
pub(super) const REASON_MAX: usize = 100;

/// A state as somebody asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Which; one that can be chosen.
    pub(super) state: State,
    /// Why, in a few words.
    pub(super) reason: Option<String>,
}

impl Choice {
    /// Checks what was asked for.
    ///
    /// # Errors
    /// 422 naming the field, with the allowed states.
    pub fn new(state: &str, reason: Option<String>) -> Result<Self> {
        let chosen = state.parse().ok().filter(|state: &State| !state.is_made());
        let state = chosen.ok_or_else(|| {
            let allowed = State::CHOSEN.map(State::name).join(", ");
            Error::field("state", format!("must be one of {allowed}"))
        })?;
        let reason = reason.map(|r| r.trim().to_owned()).filter(|r| !r.is_empty());
        if let Some(reason) = &reason {
            check_reason(reason).map_err(|why| Error::field("reason", why))?;
        }
        Ok(Self { state, reason })
    }
}

/// Whether a reason is short enough and one line; else what is wrong with it.
pub(super) fn check_reason(reason: &str) -> Result<(), String> {
    if reason.chars().count() > REASON_MAX {
        return Err(format!("is over {REASON_MAX} characters"));
    }
    if reason.chars().any(char::is_control) {
        return Err("must be one line of plain text".into());
    }
    Ok(())
}
