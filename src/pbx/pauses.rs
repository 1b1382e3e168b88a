//! When a PBX is told to pause an agent: pure. What the agent chose here counts there, what the PBX
//! itself did is left alone, and what comes back of our own orders is no news.

use super::mapping::{OURS, Pause};
use crate::agents::State;
use std::collections::HashMap;

/// What an agent is, as far as a PBX cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Now {
    pub(super) state: State,
    pub(super) reason: Option<String>,
    /// Whether this PBX made them so.
    pub(super) is_theirs: bool,
}

/// What a PBX is to do with an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) paused: bool,
    pub(super) reason: String,
}

/// What was last seen and ordered on one connection, by extension. Never more than there are
/// members.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    seen: HashMap<String, Now>,
    ordered: HashMap<String, bool>,
}

impl Pauses {
    /// What follows from what an agent is, and how they stand at the PBX.
    pub(super) fn look(&mut self, extension: &str, now: &Now, there: Pause) -> Option<Order> {
        let before = self.seen.insert(extension.to_owned(), now.clone());
        if now.is_theirs || before.as_ref() == Some(now) {
            return None;
        }
        let wish = match (now.state, &before) {
            (State::Away | State::Busy, _) | (State::Offline, Some(_)) => true,
            (State::Available, Some(_)) => false,
            // Who was paused by us and came back while there was no connection.
            (State::Available, None) if there == Pause::Ours => false,
            // Most never chose anything; connecting a PBX must not silence their telephones.
            (State::Available | State::Offline, None) => return None,
            // A call and its wrap-up change nothing of what was chosen.
            (State::OnCall | State::WrapUp, _) => return None,
        };
        let stands = self.ordered.get(extension).copied().unwrap_or(there != Pause::None);
        if wish == stands && (there != Pause::None) == stands {
            return None;
        }
        self.ordered.insert(extension.to_owned(), wish);
        let reason = now.reason.as_deref().unwrap_or(now.state.name());
        let reason = if wish { format!("{OURS}: {reason}") } else { OURS.to_owned() };
        Some(Order { paused: wish, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(state: State) -> Now {
        Now { state, reason: None, is_theirs: false }
    }

    fn paused(order: Option<Order>) -> Option<bool> {
        order.map(|order| order.paused)
    }

    #[test]
    fn what_an_agent_chooses_is_done_there_once() {
        let mut pauses = Pauses::default();
        let mut look = |state, there| paused(pauses.look("2001", &now(state), there));
        assert_eq!(look(State::Available, Pause::None), None);
        assert_eq!(look(State::Away, Pause::None), Some(true));
        assert_eq!(look(State::Away, Pause::Ours), None);
        // Still away, whatever comes back.
        assert_eq!(look(State::Busy, Pause::Ours), None);
        assert_eq!(look(State::Available, Pause::Ours), Some(false));
        assert_eq!(look(State::Available, Pause::None), None);
        assert_eq!(look(State::Offline, Pause::None), Some(true));
    }

    #[test]
    fn who_changes_their_mind_before_the_pbx_has_answered_is_not_left_paused() {
        let mut pauses = Pauses::default();
        let mut look = |state, there| paused(pauses.look("2001", &now(state), there));
        assert_eq!(look(State::Available, Pause::None), None);
        assert_eq!(look(State::Away, Pause::None), Some(true));
        assert_eq!(look(State::Available, Pause::None), Some(false));
    }

    #[test]
    fn what_the_pbx_did_is_not_sent_back_to_it() {
        let mut pauses = Pauses::default();
        let theirs = |state| Now { is_theirs: true, ..now(state) };
        assert_eq!(pauses.look("2001", &now(State::Available), Pause::None), None);
        assert_eq!(pauses.look("2001", &theirs(State::Away), Pause::Theirs), None);
        assert_eq!(pauses.look("2001", &theirs(State::Available), Pause::None), None);
        // But whoever comes back by themselves is called again.
        assert_eq!(pauses.look("2001", &theirs(State::Away), Pause::Theirs), None);
        let back = pauses.look("2001", &now(State::Available), Pause::Theirs);
        assert_eq!(paused(back), Some(false));
    }

    #[test]
    fn a_call_and_its_wrap_up_order_nothing() {
        let mut pauses = Pauses::default();
        for state in [State::Available, State::OnCall, State::WrapUp, State::Available] {
            assert_eq!(pauses.look("2001", &now(state), Pause::None), None, "{state:?}");
        }
    }

    #[test]
    fn a_new_connection_pauses_who_is_away_and_nobody_who_chose_nothing() {
        for (state, there, expected) in [
            (State::Offline, Pause::None, None),
            (State::Away, Pause::None, Some(true)),
            (State::Busy, Pause::Ours, None),
            (State::Available, Pause::Ours, Some(false)),
            (State::Available, Pause::Theirs, None),
        ] {
            let mut pauses = Pauses::default();
            assert_eq!(paused(pauses.look("2001", &now(state), there)), expected, "{state:?}");
        }
    }

    #[test]
    fn the_reason_goes_along_and_says_whose_it_is() {
        let mut pauses = Pauses::default();
        let lunch = Now { reason: Some("Lunch".into()), ..now(State::Away) };
        let order = pauses.look("2001", &lunch, Pause::None).unwrap();
        assert_eq!(order.reason, "Deskbell: Lunch");
    }
}
