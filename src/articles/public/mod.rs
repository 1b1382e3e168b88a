//! The knowledge base as anybody reads it, signed in or not: what is published and public, without
//! a word on who wrote it.

pub mod http;
mod sql;

use super::Article;
use crate::{id::EntityId, time};
use serde::Serialize;

/// Characters of the body that stand for an excerpt nobody wrote.
const EXCERPT: usize = 300;

/// What anybody is told of an article in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Its name in addresses.
    pub slug: String,
    /// What it is called.
    pub title: String,
    /// What it is about: its excerpt, or where its body begins.
    pub excerpt: String,
    /// The words around the match, where it was searched for; see `GET /search`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
    /// The category it stands in.
    pub category_id: Option<EntityId>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When it was last published.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub published_at: Option<i64>,
    /// When it was last changed.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
}

impl Listed {
    fn of(article: Article, snippet: Option<String>) -> Self {
        let excerpt = if article.excerpt.trim().is_empty() {
            article.body.chars().take(EXCERPT).collect()
        } else {
            article.excerpt
        };
        Self {
            slug: article.slug,
            title: article.title,
            excerpt,
            snippet,
            category_id: article.category_id,
            tags: article.tags,
            published_at: article.published_at,
            updated_at: article.updated_at,
        }
    }
}

/// An article as anybody reads it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Open {
    /// What lists tell of it too.
    #[serde(flatten)]
    pub listed: Listed,
    /// Its text, Markdown.
    pub body: String,
}

impl From<Article> for Open {
    fn from(article: Article) -> Self {
        let body = article.body.clone();
        Self { listed: Listed::of(article, None), body }
    }
}

/// A category that has something to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Shelf {
    /// Its id.
    pub id: EntityId,
    /// What it is called.
    pub name: String,
    /// How many public articles stand in it.
    pub articles: i64,
}
