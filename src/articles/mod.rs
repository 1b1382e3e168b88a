//! The knowledge base: articles from draft to archive, and the categories they stand in.
//!
//! An article is public while it is published and its visibility is `public`: then everybody may
//! read it, and every signed-in person of the tenant hears of it. All else is for staff.

mod categories;
pub mod http;
mod public;
mod rules;
mod sql;
#[cfg(test)]
mod tests;

pub use categories::{Wish as CategoryWish, create as create_category, http as categories_http};
pub use public::http as public_http;
pub use sql::visible;

use crate::{
    db::{Say, Write},
    error::{Error, OrNotFound as _, Result},
    event::{Actor, Audience, Kind, changes::Changes},
    id::{EntityId, TenantId, UserId},
    notifications::{self, Notice, Reason, RelatedType},
    search, time,
};
use serde::{Deserialize, Serialize};

/// Where an article is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Being written.
    Draft,
    /// To be read.
    Published,
    /// Kept, but no longer to be read.
    Archived,
}

/// Who may read a published article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everyone.
    Public,
    /// Staff.
    Internal,
}

/// An article.
#[derive(Debug, Clone, Serialize)]
pub struct Article {
    /// Its id.
    pub id: EntityId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// The category it stands in.
    pub category_id: Option<EntityId>,
    /// Its name in addresses; stays when the title changes.
    pub slug: String,
    /// What it is called.
    pub title: String,
    /// Its text, Markdown.
    pub body: String,
    /// What it is about, in a line or two.
    pub excerpt: String,
    /// Where it is in its life.
    pub status: Status,
    /// Who may read it once published.
    pub visibility: Visibility,
    /// Who wrote it.
    pub author_id: UserId,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// How often it was read by its public address.
    pub views: i64,
    /// Readers it helped.
    pub helpful_yes: i64,
    /// Readers it did not help.
    pub helpful_no: i64,
    /// When it was last published.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub published_at: Option<i64>,
    /// Grows with each change.
    pub version: i64,
    /// When it was made.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When it was last changed.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
    /// When it was deleted.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub deleted_at: Option<i64>,
    /// Its row, for the text index.
    #[serde(skip)]
    pub rid: i64,
}

impl Article {
    /// Whether everyone of the tenant may read it.
    pub fn is_public(&self) -> bool {
        self.status == Status::Published
            && self.visibility == Visibility::Public
            && self.deleted_at.is_none()
    }
}

/// What can be said about an article; what is absent stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    title: Option<String>,
    body: Option<String>,
    excerpt: Option<String>,
    #[serde(default, deserialize_with = "crate::http::patch::nullable")]
    category_id: Option<Option<EntityId>>,
    slug: Option<String>,
    visibility: Option<Visibility>,
    tags: Option<Vec<String>>,
    status: Option<Status>,
    version: Option<i64>,
}

/// Makes an article, says so, and tells the other staff.
///
/// # Errors
/// 422 naming every wrong field.
pub fn create(w: &mut Write<'_>, tenant: TenantId, by: &Actor, wish: &Wish) -> Result<Article> {
    let author = by.id.ok_or(Error::Forbidden("an article has an author: sign in as a person"))?;
    let mut article = rules::fresh(tenant, author, w.now);
    rules::apply(&mut article, wish)?;
    check_category(w, &article)?;
    if article.status == Status::Published {
        article.published_at = Some(w.now);
    }
    article.slug = sql::free_slug(w, &article, wish.slug.as_deref())?;
    sql::insert(w, &mut article)?;
    told(w, by, &article, None, &Kind::KbArticleCreated)?;
    Ok(article)
}

/// Changes an article, and says what changed: that it changed, and at most one of published,
/// unpublished and archived.
///
/// # Errors
/// 404; 409 `version_conflict`; 422 naming every wrong field.
pub fn change(
    w: &mut Write<'_>,
    (tenant, id): (TenantId, EntityId),
    by: &Actor,
    wish: &Wish,
    based_on: Option<i64>,
) -> Result<Article> {
    let before = sql::find(w, tenant, id)?.or_not_found("article")?;
    crate::http::patch::check_version(based_on.or(wish.version), before.version, &before)?;
    let mut after = before.clone();
    rules::apply(&mut after, wish)?;
    check_category(w, &after)?;
    if let Some(slug) = wish.slug.as_deref().filter(|slug| *slug != before.slug) {
        after.slug = sql::free_slug(w, &after, Some(slug))?;
    }
    if after.status == Status::Published && before.status != Status::Published {
        after.published_at = Some(w.now);
    }
    if Changes::between(&before, &after)?.is_empty() {
        return Ok(before);
    }
    if before.is_public() && !after.is_public() {
        // Everyone hears that it is public no more, and nothing of what it says from then on.
        let (status, visibility) = (after.status, after.visibility);
        let closed = saved(w, by, &before, Article { status, visibility, ..before.clone() })?;
        return saved(w, by, &closed, Article { version: closed.version, ..after });
    }
    saved(w, by, &before, after)
}

/// Stores a change that was judged, and says it. What changes nothing stores nothing.
fn saved(w: &mut Write<'_>, by: &Actor, before: &Article, mut after: Article) -> Result<Article> {
    if Changes::between(before, &after)?.is_empty() {
        return Ok(before.clone());
    }
    after.version += 1;
    after.updated_at = w.now;
    sql::update(w, &after)?;
    told(w, by, &after, Some(before), &Kind::KbArticleUpdated)?;
    let turn = match (before.status, after.status) {
        (old, new) if old == new => None,
        (_, Status::Published) => Some(Kind::KbArticlePublished),
        (_, Status::Archived) => Some(Kind::KbArticleArchived),
        (_, Status::Draft) => Some(Kind::KbArticleUnpublished),
    };
    if let Some(kind) = turn {
        told(w, by, &after, Some(before), &kind)?;
    }
    Ok(after)
}

/// Deletes an article; its slug stays taken.
///
/// # Errors
/// 404 when the tenant has no such article.
pub fn delete(
    w: &mut Write<'_>,
    (tenant, id): (TenantId, EntityId),
    by: &Actor,
) -> Result<Article> {
    let before = sql::find(w, tenant, id)?.or_not_found("article")?;
    let mut after = before.clone();
    after.deleted_at = Some(w.now);
    after.updated_at = w.now;
    after.version += 1;
    sql::update(w, &after)?;
    told(w, by, &after, Some(&before), &Kind::KbArticleDeleted)?;
    Ok(after)
}

/// Puts an article anew where it is found by its words, because they were rewritten.
///
/// # Errors
/// When the database refuses.
pub fn text_changed(w: &mut Write<'_>, tenant: TenantId, id: EntityId) -> Result<()> {
    if let Some(article) = sql::find(w, tenant, id)? {
        index(w, &article);
    }
    Ok(())
}

fn check_category(w: &Write<'_>, article: &Article) -> Result<()> {
    match article.category_id {
        Some(id) if !categories::sql::exists(w, article.tenant_id, id)? => {
            Err(Error::field("category_id", "there is no such category"))
        }
        _ => Ok(()),
    }
}

/// Fields that somebody wrote.
const WRITTEN: [&str; 6] = ["title", "body", "excerpt", "slug", "tags", "category_id"];

/// Says what happened, keeps the text index right, and tells staff. Everyone hears of an article
/// that is public, and of what ends that.
fn told(
    w: &mut Write<'_>,
    by: &Actor,
    after: &Article,
    before: Option<&Article>,
    kind: &Kind,
) -> Result<()> {
    let heard_by_all = after.is_public() || before.is_some_and(Article::is_public);
    let audience = if heard_by_all { Audience::Everyone } else { Audience::Staff };
    let mut say = Say::new(after.tenant_id, kind.clone(), after)?.by(by.clone()).audience(audience);
    if let Some(before) = before {
        let mut changes = Changes::between(before, after)?;
        if !before.is_public() && after.is_public() {
            // What a draft said before it was published is nobody's business but staff's.
            changes.forget_old(&WRITTEN);
        }
        say = say.changes(&changes)?;
    }
    let said = w.say(say)?;
    index(w, after);
    let Some((notice, words)) = rules::notice(kind) else { return Ok(()) };
    let staff = sql::staff(w, after.tenant_id)?;
    notifications::notify(
        w,
        Notice {
            tenant: after.tenant_id,
            kind: notice,
            message: words(&after.title, &by.name),
            related_id: after.id.to_string(),
            related_type: RelatedType::KbArticle,
            actor: by.clone(),
            recipients: staff.into_iter().map(|user| (user, Reason::Team)).collect(),
            internal: !after.is_public(),
            entity: serde_json::value::to_raw_value(after).map_err(Error::internal)?,
            event_seq: said.seq,
        },
    )?;
    Ok(())
}

fn index(w: &mut Write<'_>, article: &Article) {
    let public = article.is_public();
    let (kind, other) = if public {
        (search::Kind::Article, search::Kind::InternalArticle)
    } else {
        (search::Kind::InternalArticle, search::Kind::Article)
    };
    search::remove(w, other, article.rid);
    if article.deleted_at.is_some() {
        return search::remove(w, kind, article.rid);
    }
    let body = format!("{}\n{}\n{}", article.excerpt, article.tags.join(" "), article.body);
    search::put(
        w,
        &search::Doc {
            tenant: article.tenant_id,
            kind,
            rid: article.rid,
            readers: &[],
            everyone: public,
            title: &article.title,
            body: &body,
        },
    );
}
