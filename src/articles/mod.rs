//! The knowledge base, as other rooms ask for it. On this branch there are no articles yet.

mod sql;

pub use sql::visible;

use crate::id::EntityId;

/// What other rooms need to know of an article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// Its id.
    pub id: EntityId,
    /// Its title.
    pub title: String,
    /// Whether everybody in the tenant may read it: published, and public.
    pub is_public: bool,
}
