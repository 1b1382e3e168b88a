//! `GET /search`.

use super::{Kind, TEXT_MAX, query, sql};
use crate::{
    error::{Error, Result},
    http::{Answer, Core, May, QueryOf, ok, permission::Search},
};
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

/// Matches of one answer unless asked for fewer or more; and at most.
const LIMIT: usize = 25;
const LIMIT_MAX: usize = 50;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    q: String,
    /// `tickets`, `comments`, `articles`, with commas between them; all of them without it.
    #[serde(rename = "in")]
    within: Option<String>,
    limit: Option<usize>,
}

impl Asked {
    fn wanted(&self) -> Result<Vec<Kind>> {
        let mut wanted: Vec<Kind> = Vec::new();
        for word in self.within.as_deref().unwrap_or("tickets,comments,articles").split(',') {
            let kinds = match word.trim() {
                "tickets" => &[Kind::Ticket][..],
                "comments" => &[Kind::Comment, Kind::InternalComment],
                "articles" => &[Kind::Article, Kind::InternalArticle],
                _ => {
                    let why = "must be one or more of tickets, comments, articles";
                    return Err(Error::field("in", why));
                }
            };
            if !kinds.iter().any(|kind| wanted.contains(kind)) {
                wanted.extend(kinds);
            }
        }
        Ok(wanted)
    }
}

/// `GET /search`: what the caller may find, the best first.
///
/// A ticket's number and (for staff) a requester's e-mail are looked up first. Then titles with all
/// the words come before other texts with them, whole words before the beginnings of words, and the
/// newest first.
///
/// # Errors
/// 422 for a query that cannot be read.
pub async fn search(
    State(core): State<Core>,
    who: May<Search>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<sql::Found>> {
    let wanted = asked.wanted()?;
    let limit = asked.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::field("limit", format!("must be 1 to {LIMIT_MAX}")));
    }
    let typed = asked.q.trim().to_owned();
    if typed.is_empty() || typed.len() > TEXT_MAX {
        return Err(Error::field("q", format!("must be 1 to {TEXT_MAX} bytes")));
    }
    let listener = who.listener();
    let words = query::words(&typed);
    let found = core
        .db
        .read(move |r| {
            let mut found = Vec::new();
            if wanted.contains(&Kind::Ticket) {
                if let Some(number) = query::number(&typed) {
                    found.extend(sql::by_number(r, &listener, number)?);
                }
                if typed.contains('@') && listener.role.is_staff() {
                    found.extend(sql::by_email(r, listener.tenant, &typed, limit)?);
                }
            }
            if !words.is_empty() && found.len() < limit {
                let known = found.len();
                for more in sql::search(r, &listener, &words, (&wanted, limit))? {
                    if found.len() < limit && !found.iter().take(known).any(|f| f.is(&more)) {
                        found.push(more);
                    }
                }
            }
            Ok(found)
        })
        .await?;
    let meta = json!({ "limit": limit });
    Ok(ok(found).with_meta(meta))
}
