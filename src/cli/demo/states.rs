//! Agents come to their desks and leave them.

use super::{cast::Cast, dice::Dice};
use crate::{
    agents::{self, Choice, Chooser, State},
    db::Write,
    error::Result,
};

/// What agents give as reasons, by state.
const REASONS: [(State, &[&str]); 4] = [
    (State::Available, &["", "", "back at my desk"]),
    (State::Away, &["lunch", "coffee", "school run"]),
    (State::Busy, &["writing an answer", "training", "meeting"]),
    (State::Offline, &["", "end of shift"]),
];

/// One agent goes into another state.
///
/// # Errors
/// When the database refuses.
pub(super) fn change_one(w: &mut Write<'_>, cast: &Cast, dice: &mut Dice) -> Result<()> {
    let Some(agent) = dice.one_of(&cast.agents) else { return Ok(()) };
    for _ in 0..4 {
        let Some((state, reasons)) = dice.one_of(&REASONS) else { continue };
        let reason = dice.one_of(reasons).copied().unwrap_or_default();
        let choice = Choice::new(state.name(), Some(reason.to_owned()))?;
        let chooser = Chooser { by: agent.actor(), source: "agent", is_online: false };
        let (_, said) = agents::choose(w, cast.tenant, agent.user, &choice, &chooser)?;
        // The same state for the same reason is no change: roll again.
        if said.is_some() {
            break;
        }
    }
    Ok(())
}
