//! What becomes of a call: a pure function of everything that was said about it.
//!
//! A telephone system may tell late, twice and in any order. So nothing is worked out from the last
//! state and one more step: the course of a call is worked out anew from all steps in the order of
//! their own times. The same steps always make the same course, and one more step never takes an
//! answered call back to ringing, nor an ended one to anything.

mod fold;
mod news;
#[cfg(test)]
mod tests;

pub use fold::course;
pub use news::{News, news};

use crate::{id::UserId, time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where a call went on to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// To an agent, who has it from then on.
    Agent(UserId),
    /// To a queue, where it waits for somebody else.
    Queue(String),
    /// To a number elsewhere.
    Number(String),
}

/// What was said about a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "heard", rename_all = "snake_case")]
pub enum Heard {
    /// Somebody calls us. Said again with a queue: the call waits there now.
    Incoming {
        /// Their number.
        from_number: Option<String>,
        /// The name that came with it.
        from_name: Option<String>,
        /// The number they dialled.
        to_number: Option<String>,
        /// The queue they wait in.
        queue: Option<String>,
    },
    /// We call somebody.
    Outgoing {
        /// The number that they see.
        from_number: Option<String>,
        /// Theirs.
        to_number: Option<String>,
        /// Who of us calls.
        agent: Option<UserId>,
    },
    /// It is offered to an agent, whose telephone rings.
    Ringing {
        /// Names the offer: a later one to the same agent is another one.
        offer: String,
        /// To whom, where the telephone is somebody's.
        agent: Option<UserId>,
    },
    /// The offer was not taken.
    OfferMissed {
        /// The offer's name.
        offer: String,
        /// For how long it rang, milliseconds.
        ring_ms: Option<i64>,
        /// To whom it was offered.
        agent: Option<UserId>,
    },
    /// Somebody took it; on an outgoing call, the other side.
    Answered {
        /// The offer that was taken.
        offer: Option<String>,
        /// Who of us has it now.
        agent: Option<UserId>,
    },
    /// The caller hears music.
    Held,
    /// The caller is back from hold.
    Resumed,
    /// It was passed on.
    Transferred {
        /// To whom or where.
        to: Target,
        /// Who leaves the call by it; whoever had it last, unless said.
        agent: Option<UserId>,
    },
    /// An agent left the call, which may go on.
    PartEnded {
        /// Who.
        agent: Option<UserId>,
    },
    /// The caller hung up before anybody answered.
    Abandoned,
    /// It is over.
    Ended {
        /// How, where the telephone system says more than can be seen from the rest.
        result: Option<String>,
    },
}

impl Heard {
    /// Which of two things said of the same millisecond comes first.
    fn rank(&self) -> u8 {
        match self {
            Self::Incoming { .. } | Self::Outgoing { .. } => 0,
            Self::Ringing { .. } => 1,
            Self::OfferMissed { .. } => 2,
            Self::Answered { .. } => 3,
            Self::Held => 4,
            Self::Resumed => 5,
            Self::Transferred { .. } => 6,
            Self::PartEnded { .. } => 7,
            Self::Abandoned => 8,
            Self::Ended { .. } => 9,
        }
    }

    /// Whether it says that there is a call, and not only what became of one.
    pub(super) fn introduces(&self) -> bool {
        matches!(self, Self::Incoming { .. } | Self::Outgoing { .. })
    }

    /// Whether it ends the call.
    pub(super) fn ends(&self) -> bool {
        matches!(self, Self::Abandoned | Self::Ended { .. })
    }
}

/// One thing said, and when by the speaker's clock (milliseconds since the Unix epoch).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: i64,
    /// What.
    pub heard: Heard,
}

macro_rules! words {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($(#[$word_doc:meta])* $word:ident $text:literal,)* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$word_doc])* $word,)* }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$word,)*];

            /// The word on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }

            /// The one of that name.
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == word)
            }
        }
    )*};
}

words! {
    /// Who called whom.
    Direction {
        /// They called us.
        Inbound "inbound",
        /// We called them.
        Outbound "outbound",
    }
    /// Where a call stands.
    Status {
        /// Nobody was reached yet.
        Queued "queued",
        /// It rings somewhere.
        Ringing "ringing",
        /// Somebody has, or had, it.
        Answered "answered",
        /// The caller hears music.
        OnHold "on_hold",
        /// It is over.
        Ended "ended",
    }
}

/// A call offered to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// Its name, as the telephone system gave it.
    #[serde(skip)]
    pub key: String,
    /// To whom.
    pub agent_id: Option<UserId>,
    /// Since when it rang.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub ringing_at: Option<i64>,
    /// When it was given up.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub missed_at: Option<i64>,
    /// Whether it still rings.
    pub is_open: bool,
}

/// The time that one agent had the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Who.
    pub agent_id: UserId,
    /// Counts the times that they had it, from 1.
    #[serde(skip)]
    pub number: i64,
    /// Since when.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub started_at: i64,
    /// Until when.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub ended_at: Option<i64>,
    /// Whether somebody passed it on to them.
    pub by_transfer: bool,
}

/// A call passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// When.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub at: i64,
    /// Who had it before.
    pub from_agent_id: Option<UserId>,
    /// To whom or where.
    pub to: Target,
}

/// All that can be worked out about a call. Times are milliseconds since the Unix epoch, by the
/// clock of whoever said them; `wait_ms + talk_ms + hold_ms` is the length of an answered one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// Whether its beginning was heard of.
    pub is_known: bool,
    /// Who called whom.
    pub direction: Direction,
    /// Where it stands.
    pub status: Status,
    /// The caller's number.
    pub from_number: Option<String>,
    /// The name that came with it.
    pub from_name: Option<String>,
    /// The number that was called.
    pub to_number: Option<String>,
    /// The last queue that it waited in.
    pub queue: Option<String>,
    /// Whether it ever waited in a queue.
    pub was_queued: bool,
    /// Who is offered it, has it, or had it last.
    pub agent_id: Option<UserId>,
    /// When it began.
    pub started_at: i64,
    /// When the first telephone rang.
    pub ringing_at: Option<i64>,
    /// When it was first answered.
    pub answered_at: Option<i64>,
    /// Since when somebody waits for an agent.
    pub waiting_since: Option<i64>,
    /// Since when the caller hears music.
    pub held_since: Option<i64>,
    /// When it was over.
    pub ended_at: Option<i64>,
    /// How it ended.
    pub result: Option<String>,
    /// From the beginning to the first answer, or to the end.
    pub wait_ms: Option<i64>,
    /// From the first answer to the end, without the time on hold.
    pub talk_ms: Option<i64>,
    /// On hold.
    pub hold_ms: Option<i64>,
    /// To whom it was offered.
    pub offers: Vec<Offer>,
    /// Who had it.
    pub parts: Vec<Part>,
    /// How it was passed on.
    pub moves: Vec<Move>,
}

impl Course {
    /// Who has it at the moment.
    pub fn holders(&self) -> impl Iterator<Item = UserId> {
        self.parts.iter().filter(|part| part.ended_at.is_none()).map(|part| part.agent_id)
    }

    /// At whose telephones it rings.
    pub fn rings_at(&self) -> BTreeSet<UserId> {
        let open = self.offers.iter().filter(|offer| offer.is_open);
        open.filter_map(|offer| offer.agent_id).collect()
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.status == Status::Ended
    }

    /// Whether the caller waits for an agent, for the first time or again.
    pub fn is_waiting(&self) -> bool {
        self.waiting_since.is_some()
    }
}

/// The result of a call whose end nobody heard of.
pub const UNKNOWN: &str = "unknown";
