//! From which side a list is reached: the filter that leaves fewest, or the list's own order.

use super::{Key, One, Wanted};

/// From which side the rows are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What a customer is on.
    Mine,
    /// The newest whose subjects have the words.
    Words,
    /// What has a tag.
    Tag,
    /// An index of `tickets`; whether rows of one value come in the order of their last change.
    Index(&'static str, bool),
}

impl Side {
    /// The side that leaves fewest, by what filters of its kind usually leave.
    pub(super) fn of(wanted: &Wanted) -> Self {
        if wanted.deleted {
            Self::Index("tickets_deleted", false)
        } else if !wanted.who.role.is_staff() {
            Self::Mine
        } else if wanted.text.is_some() {
            Self::Words
        } else if wanted.requester.is_some() {
            Self::Index("tickets_by_requester", true)
        } else if !wanted.tags.is_empty() {
            Self::Tag
        } else if matches!(wanted.assignee, Some(One::This(_))) {
            Self::Index("tickets_by_assignee", true)
        } else if wanted.team.is_some() {
            Self::Index("tickets_by_team", true)
        } else if !wanted.kinds.is_empty() {
            Self::Index("tickets_by_type", wanted.kinds.len() == 1)
        } else if !wanted.statuses.is_empty() {
            Self::Index("tickets_by_status", wanted.statuses.len() == 1)
        } else if !wanted.priorities.is_empty() {
            Self::Index("tickets_by_priority", wanted.priorities.len() == 1)
        } else if wanted.assignee.is_some() {
            Self::Index("tickets_by_assignee", true)
        } else if !wanted.channels.is_empty() {
            Self::Index("tickets_by_channel", wanted.channels.len() == 1)
        } else if wanted.created != (None, None) {
            Self::Index("tickets_by_creation", false)
        } else {
            Self::Index("tickets_by_update", true)
        }
    }

    /// The index in the list's own order.
    pub(super) fn in_order(key: Key) -> Self {
        match key {
            Key::Updated => Self::Index("tickets_by_update", true),
            Key::Created => Self::Index("tickets_by_creation", false),
            Key::Number => Self::Index("tickets_by_number", false),
            Key::Priority => Self::Index("tickets_by_priority", false),
        }
    }
}
