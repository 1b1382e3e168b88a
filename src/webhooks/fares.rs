//! How an endpoint fares, as people see it: in words, with times, as part of the endpoint.

use super::engine::FAILING_AFTER;
use crate::time;
use serde::Serialize;

/// How an endpoint fares, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was never tried.
    New,
    /// Its last attempt succeeded.
    Good,
    /// It failed one to three times in a row.
    Shaky,
    /// It fails again and again.
    Failing,
    /// It is switched off.
    Disabled,
}

/// Whether anything is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// All that is due.
    Closed,
    /// Nothing, until `breaker_until`.
    Open,
    /// One attempt, which decides.
    HalfOpen,
}

/// How an endpoint fares. Times are milliseconds since the Unix epoch, and RFC 3339 on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fares {
    /// In a word.
    pub health: State,
    /// Failed attempts in a row, 0 after a good one.
    pub failure_streak: u32,
    /// Since when every attempt fails.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub failing_since: Option<i64>,
    /// The status of the last attempt, when there was an answer.
    pub last_status: Option<u16>,
    /// What went wrong with the last attempt.
    pub last_error: Option<String>,
    /// When it was last tried.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub last_attempt_at: Option<i64>,
    /// When an attempt last succeeded.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub last_success_at: Option<i64>,
    /// Whether anything is sent to it.
    pub breaker: Breaker,
    /// Until when the breaker is open; then one attempt decides.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub breaker_until: Option<i64>,
    /// Until when it rests because it said that it cannot keep up.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub cooling_until: Option<i64>,
    /// When it is tried next, where something waits for it.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub next_attempt_at: Option<i64>,
    /// Why it is switched off: `gone` (it answered 410), `failing`, `person`.
    pub disabled_reason: Option<String>,
    /// Since when it is switched off.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub disabled_at: Option<i64>,
}

impl Fares {
    /// Completes what is stored by what follows from it.
    pub(super) fn completed(mut self, is_active: bool) -> Self {
        self.health = match (is_active, self.failure_streak, self.last_success_at) {
            (false, ..) => State::Disabled,
            (_, 0, None) => State::New,
            (_, 0, Some(_)) => State::Good,
            (_, streak, _) if streak < FAILING_AFTER => State::Shaky,
            _ => State::Failing,
        };
        if self.breaker_until.is_some() {
            self.breaker = Breaker::Open;
        }
        let earliest = self.breaker_until.max(self.cooling_until);
        self.next_attempt_at = self
            .next_attempt_at
            .filter(|_| is_active)
            .map(|due| Some(due).max(earliest).unwrap_or(due));
        self
    }

    /// The same at this moment: what has passed is not shown as if it were to come.
    pub(super) fn at(mut self, now: i64) -> Self {
        if self.breaker_until.is_some_and(|until| until <= now) {
            self.breaker = Breaker::HalfOpen;
        }
        self.cooling_until = self.cooling_until.filter(|until| *until > now);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fares(streak: u32, good_at: Option<i64>) -> Fares {
        Fares {
            health: State::New,
            failure_streak: streak,
            failing_since: None,
            last_status: None,
            last_error: None,
            last_attempt_at: None,
            last_success_at: good_at,
            breaker: Breaker::Closed,
            breaker_until: None,
            cooling_until: None,
            next_attempt_at: None,
            disabled_reason: None,
            disabled_at: None,
        }
    }

    #[test]
    fn health_is_said_in_a_word() {
        for (is_active, streak, good_at, expected) in [
            (true, 0, None, State::New),
            (true, 0, Some(1), State::Good),
            (true, 1, None, State::Shaky),
            (true, 3, Some(1), State::Shaky),
            (true, 4, Some(1), State::Failing),
            (false, 4, Some(1), State::Disabled),
            (false, 0, None, State::Disabled),
        ] {
            assert_eq!(fares(streak, good_at).completed(is_active).health, expected);
        }
    }

    #[test]
    fn the_next_attempt_is_not_before_breaker_and_rest_allow_it() {
        let stored = Fares {
            breaker_until: Some(500),
            cooling_until: Some(700),
            next_attempt_at: Some(600),
            ..fares(5, None)
        };
        assert_eq!(stored.clone().completed(false).next_attempt_at, None);
        let shown = stored.completed(true);
        assert_eq!((shown.next_attempt_at, shown.breaker), (Some(700), Breaker::Open));
        let shown = shown.at(700);
        assert_eq!((shown.cooling_until, shown.breaker), (None, Breaker::HalfOpen));
    }
}
