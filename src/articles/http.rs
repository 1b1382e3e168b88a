//! `/kb/articles`; the public reading has its own handlers.

use super::{Article, Status, Visibility, Wish, change, create, delete as remove, sql};
use crate::{
    error::{OrNotFound as _, Result},
    http::{
        Answer, Caller, Core, Json, May, PathOf, QueryOf, created, idempotency, ok,
        page::Paging,
        patch::IfMatch,
        permission::{ReadArticles, VoteArticles, WriteArticles},
    },
    id::EntityId,
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;

/// What a list may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    page: Option<i64>,
    per_page: Option<i64>,
    status: Option<Status>,
    visibility: Option<Visibility>,
    category_id: Option<EntityId>,
    tag: Option<String>,
}

/// `GET /kb/articles`: staff see all, customers what is published and public.
///
/// # Errors
/// 422 for a filter that cannot be read.
pub async fn list(
    State(core): State<Core>,
    who: May<ReadArticles>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Article>> {
    let paging = Paging::new(asked.page, asked.per_page)?;
    let filter = sql::Filter {
        only_public: !who.role.is_staff(),
        status: asked.status,
        visibility: asked.visibility,
        category: asked.category_id,
        tag: asked.tag,
    };
    let tenant = who.tenant;
    let (rows, total) = core.db.read(move |r| sql::list(r, tenant, &filter, paging)).await?;
    Ok(ok(rows).with_meta(paging.meta(total)))
}

/// What is not for this caller does not exist.
pub(super) fn for_caller(found: Option<Article>, who: &Caller) -> Result<Article> {
    found.filter(|a| who.role.is_staff() || a.is_public()).or_not_found("article")
}

/// `GET /kb/articles/{id}`.
///
/// # Errors
/// 404 for what the caller may not read.
pub async fn show(
    State(core): State<Core>,
    who: May<ReadArticles>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Article> {
    let tenant = who.tenant;
    let found = core.db.read(move |r| sql::find(r, tenant, id)).await?;
    for_caller(found, &who).map(ok)
}

/// `POST /kb/articles`: takes an `Idempotency-Key`.
///
/// # Errors
/// 422 naming every wrong field.
pub async fn make(
    State(core): State<Core>,
    who: May<WriteArticles>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Result<Response> {
    let (tenant, actor) = (who.tenant, who.actor());
    let request = ("POST /kb/articles", wish.clone());
    idempotency::once(&core.db, &who, &headers, &request, move |w| create(w, tenant, &actor, &wish))
        .await
}

/// `PATCH /kb/articles/{id}`.
///
/// # Errors
/// 404; 409 `version_conflict`; 422 naming every wrong field.
pub async fn update(
    State(core): State<Core>,
    who: May<WriteArticles>,
    PathOf(id): PathOf<EntityId>,
    if_match: IfMatch,
    Json(wish): Json<Wish>,
) -> Answer<Article> {
    let (tenant, actor) = (who.tenant, who.actor());
    let changed = core.db.write(move |w| change(w, (tenant, id), &actor, &wish, if_match.or(None)));
    Ok(ok(changed.await?))
}

/// `DELETE /kb/articles/{id}`.
///
/// # Errors
/// 404 when the tenant has no such article.
pub async fn delete(
    State(core): State<Core>,
    who: May<WriteArticles>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Article> {
    let (tenant, actor) = (who.tenant, who.actor());
    Ok(ok(core.db.write(move |w| remove(w, (tenant, id), &actor)).await?))
}

async fn turn(core: &Core, who: &Caller, id: EntityId, status: Status) -> Answer<Article> {
    let (tenant, actor) = (who.tenant, who.actor());
    let wish = Wish { status: Some(status), ..Wish::default() };
    Ok(ok(core.db.write(move |w| change(w, (tenant, id), &actor, &wish, None)).await?))
}

/// `POST /kb/articles/{id}/publish`.
///
/// # Errors
/// 404 when the tenant has no such article.
pub async fn publish(
    State(core): State<Core>,
    who: May<WriteArticles>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Article> {
    turn(&core, &who, id, Status::Published).await
}

/// `POST /kb/articles/{id}/unpublish`.
///
/// # Errors
/// 404 when the tenant has no such article.
pub async fn unpublish(
    State(core): State<Core>,
    who: May<WriteArticles>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Article> {
    turn(&core, &who, id, Status::Draft).await
}

/// `POST /kb/articles/{id}/archive`.
///
/// # Errors
/// 404 when the tenant has no such article.
pub async fn archive(
    State(core): State<Core>,
    who: May<WriteArticles>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Article> {
    turn(&core, &who, id, Status::Archived).await
}

/// A reader's opinion.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    helpful: bool,
}

/// `POST /kb/articles/{id}/vote`: whether the article helped; the last vote of a person counts.
///
/// # Errors
/// 404 for what the caller may not read.
pub async fn vote(
    State(core): State<Core>,
    who: May<VoteArticles>,
    PathOf(id): PathOf<EntityId>,
    Json(Vote { helpful }): Json<Vote>,
) -> Answer<Article> {
    let caller = (*who).clone();
    let voted = core.db.write(move |w| {
        for_caller(sql::find(w, caller.tenant, id)?, &caller)?;
        sql::vote(w, caller.tenant, (id, caller.user), helpful)?;
        sql::find(w, caller.tenant, id)?.or_not_found("article")
    });
    voted.await.map(created)
}
