//! What is to be told when a course of events becomes another one.

use super::{Course, Direction, Move, Offer, Status, UNKNOWN};
use crate::id::UserId;

/// Something to tell about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Somebody calls us.
    Incoming,
    /// We call somebody.
    Outgoing,
    /// An offer was not taken; by whom.
    OfferMissed(Option<UserId>),
    /// It rings; at whose telephone.
    Ringing(Option<UserId>),
    /// It was taken; by whom.
    Answered(Option<UserId>),
    /// It was passed on.
    Transferred(Move),
    /// The caller hears music.
    Held,
    /// The caller is back.
    Resumed,
    /// It ended in a queue before anybody answered.
    Abandoned,
    /// It ended elsewhere before anybody answered.
    Missed,
    /// It is over.
    Ended,
}

/// What the step from `before` to `after` tells, in the order in which it is told. A call whose
/// beginning was not heard of tells nothing, and neither does what is heard too late to be news.
pub fn news(before: Option<&Course>, after: &Course) -> Vec<News> {
    if !after.is_known {
        return Vec::new();
    }
    let before = before.filter(|before| before.is_known);
    let mut news = Vec::new();
    if before.is_none() {
        news.push(match after.direction {
            Direction::Inbound => News::Incoming,
            Direction::Outbound => News::Outgoing,
        });
    }
    if !after.is_over() {
        offers(before, after, &mut news);
        parts(before, after, &mut news);
        hold(before, after, &mut news);
    }
    if after.is_over() && before.is_none_or(|before| !before.is_over()) {
        let unanswered = after.direction == Direction::Inbound && after.answered_at.is_none();
        // Whether a call was answered whose end nobody heard of is not known either.
        if unanswered && after.result.as_deref() != Some(UNKNOWN) {
            news.push(if after.was_queued { News::Abandoned } else { News::Missed });
        }
        news.push(News::Ended);
    }
    news
}

fn offers(before: Option<&Course>, after: &Course, news: &mut Vec<News>) {
    let known = |offer: &Offer| {
        before.and_then(|before| before.offers.iter().find(|known| known.key == offer.key))
    };
    if after.answered_at.is_none() || after.is_waiting() {
        let missed = after.offers.iter().filter(|offer| offer.missed_at.is_some());
        let now = missed.filter(|offer| known(offer).is_none_or(|known| known.missed_at.is_none()));
        news.extend(now.map(|offer| News::OfferMissed(offer.agent_id)));
    }
    let open = after.offers.iter().filter(|offer| offer.is_open);
    let now = open.filter(|offer| known(offer).is_none_or(|known| known.ringing_at.is_none()));
    news.extend(now.map(|offer| News::Ringing(offer.agent_id)));
}

fn parts(before: Option<&Course>, after: &Course, news: &mut Vec<News>) {
    let had = |agent: UserId| before.is_some_and(|before| before.holders().any(|a| a == agent));
    // Who it was passed on from may become known later.
    let same = |one: &Move, other: &Move| (one.at, &one.to) == (other.at, &other.to);
    let known = |this: &Move| before.is_some_and(|b| b.moves.iter().any(|that| same(this, that)));
    let moved: Vec<_> = after.moves.iter().filter(|this| !known(this)).collect();
    let first = before.is_none_or(|before| before.answered_at.is_none());
    if first && after.answered_at.is_some() && after.parts.is_empty() && moved.is_empty() {
        news.push(News::Answered(None));
    }
    let open = after.parts.iter().filter(|part| part.ended_at.is_none() && !part.by_transfer);
    let taken = open.filter(|part| !had(part.agent_id));
    news.extend(taken.map(|part| News::Answered(Some(part.agent_id))));
    news.extend(moved.into_iter().cloned().map(News::Transferred));
}

fn hold(before: Option<&Course>, after: &Course, news: &mut Vec<News>) {
    let was = before.is_some_and(|before| before.status == Status::OnHold);
    match (was, after.status) {
        (false, Status::OnHold) => news.push(News::Held),
        // Passing it on ends the hold, and has been told.
        (true, Status::Answered) if news.is_empty() => news.push(News::Resumed),
        _ => {}
    }
}
