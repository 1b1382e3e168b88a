//! The fixed words of a ticket: its status, its priority, how it came in, who may see a comment.

use crate::time;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{fmt, str::FromStr};

macro_rules! words {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($(#[$word_doc:meta])* $word:ident $text:literal,)* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$word_doc])* $word,)*
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$word,)*];

            /// The word on the wire.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text {
                    $($text => Ok(Self::$word),)*
                    _ => Err(()),
                }
            }
        }
    )*};
}

words! {
    /// Where a ticket stands.
    Status {
        /// Nobody works on it yet.
        Open "open",
        /// Somebody works on it.
        InProgress "in_progress",
        /// It waits for the customer.
        Pending "pending",
        /// It waits for somebody else.
        OnHold "on_hold",
        /// It is solved, unless the customer says otherwise.
        Resolved "resolved",
        /// It is over; only reopening brings it back.
        Closed "closed",
    }
    /// How much it hurries.
    Priority {
        /// When there is time.
        Low "low",
        /// In its turn.
        Normal "normal",
        /// Before others.
        High "high",
        /// At once.
        Urgent "urgent",
    }
    /// How a ticket came in.
    Channel {
        /// By one of the pages.
        Web "web",
        /// By a program.
        Api "api",
        /// By e-mail.
        Email "email",
        /// On the phone.
        Call "call",
        /// In a chat.
        Chat "chat",
    }
    /// Who may see a comment.
    Visibility {
        /// Staff and the ticket's customers.
        Public "public",
        /// Staff only.
        Internal "internal",
    }
}

impl Status {
    /// Whether work on the ticket is over, for now or for good.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Resolved | Self::Closed)
    }

    /// Whether somebody else than staff is waited for.
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Pending | Self::OnHold)
    }
}

impl Priority {
    /// As it is stored, so that lists can be sorted by it: 1 is low, 4 urgent.
    pub(super) fn rank(self) -> i64 {
        self as i64 + 1
    }

    /// The priority stored as `rank`.
    pub(super) fn from_rank(rank: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|priority| priority.rank() == rank)
    }
}

/// A moment that a client sends, as RFC 3339 text; milliseconds since the Unix epoch within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub i64);

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        time::as_rfc3339(&self.0, to)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        time::parse_rfc3339(&text).map(Self).ok_or_else(|| {
            D::Error::custom("must be a time with an offset, such as 2026-07-01T09:00:00Z")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The word in JSON, the word in the database and the word in a query are one.
    #[test]
    fn words_read_back_in_every_way() {
        for status in Status::ALL {
            assert_eq!(status.name().parse(), Ok(*status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
        for priority in Priority::ALL {
            assert_eq!(Priority::from_rank(priority.rank()), Some(*priority));
            assert_eq!(serde_json::to_value(priority).unwrap(), priority.name());
        }
        assert_eq!(Priority::from_rank(5), None);
        assert!(Priority::Urgent > Priority::High && "asleep".parse::<Status>().is_err());
    }

    #[test]
    fn a_moment_needs_an_offset() {
        let read = |text: &str| serde_json::from_value::<Moment>(text.into()).ok();
        assert_eq!(read("1970-01-01T01:00:01+01:00"), Some(Moment(1_000)));
        assert_eq!(read("1970-01-01"), None);
        assert_eq!(serde_json::to_value(Moment(0)).unwrap(), "1970-01-01T00:00:00.000Z");
    }
}
