//! Finding tickets, comments and articles by their words.
//!
//! Internal text stands in a table of its own, which a customer's search does not touch, and every
//! row names who may find it, so that what is searched is narrowed before it is ranked.

pub mod http;
mod query;
mod sql;

pub use sql::public_articles;

use crate::{
    db::Write,
    error::Result,
    id::{TenantId, UserId},
};

/// Longest text that is searched for, bytes.
pub const TEXT_MAX: usize = 200;

/// What can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub enum Kind {
    /// A ticket's subject and description.
    Ticket = 1,
    /// A public comment.
    Comment = 2,
    /// An internal note: staff only.
    InternalComment = 3,
    /// An article that is published and public.
    Article = 4,
    /// Any other article: staff only.
    InternalArticle = 5,
}

impl Kind {
    fn is_internal(self) -> bool {
        matches!(self, Self::InternalComment | Self::InternalArticle)
    }
}

/// Something to be found.
#[derive(Debug)]
pub struct Doc<'a> {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is.
    pub kind: Kind,
    /// Its `rid` in its own table.
    pub rid: i64,
    /// The customers who may find it; staff always may.
    pub readers: &'a [UserId],
    /// Whether every signed-in person of the tenant may find it.
    pub everyone: bool,
    /// What counts most.
    pub title: &'a str,
    /// The rest.
    pub body: &'a str,
}

/// Puts a document in, or puts it anew, in the transaction of the fact.
///
/// # Errors
/// When the database refuses.
pub fn put(w: &Write<'_>, doc: &Doc<'_>) -> Result<()> {
    sql::put(w, doc)
}

/// Takes a document out.
///
/// # Errors
/// When the database refuses.
pub fn remove(w: &Write<'_>, kind: Kind, rid: i64) -> Result<()> {
    sql::remove(w, kind, rid)
}
