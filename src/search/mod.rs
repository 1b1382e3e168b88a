//! Finding tickets, comments and articles by their words.
//!
//! Internal text stands in a table of its own, which a customer's search does not touch, and every
//! row names who may find it, so that what is searched is narrowed before it is ranked.

pub mod http;
mod query;
mod sql;

pub use query::{number, words};
pub use sql::public_articles;

use crate::{
    db::{Last, Write},
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

    fn has_title(self) -> bool {
        !matches!(self, Self::Comment | Self::InternalComment)
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

/// Puts a document in, or puts it anew, at the end of the transaction of the fact.
pub fn put(w: &mut Write<'_>, doc: &Doc<'_>) {
    let row = sql::Row::of(doc);
    w.at_the_end(move |last| sql::put(last, &row));
}

/// Takes a document out, likewise.
pub fn remove(w: &mut Write<'_>, kind: Kind, rid: i64) {
    w.at_the_end(move |last| sql::remove(last, kind, rid));
}

/// [`put`] for a job that is doing its last work.
///
/// # Errors
/// When the database refuses.
pub fn put_last(last: &Last<'_>, doc: &Doc<'_>) -> Result<()> {
    sql::put(last, &sql::Row::of(doc))
}

/// [`remove`] for a job that is doing its last work.
///
/// # Errors
/// When the database refuses.
pub fn remove_last(last: &Last<'_>, kind: Kind, rid: i64) -> Result<()> {
    sql::remove(last, kind, rid)
}
