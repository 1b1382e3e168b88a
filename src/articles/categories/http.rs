//! `/kb/categories`: everyone reads, supervisors change.

use super::{Category, Wish, sql};
use crate::{
    error::OrNotFound as _,
    http::{
        Answer, Core, Json, May, PathOf, created, ok,
        patch::{IfMatch, check_version},
        permission::{ArrangeArticles, ReadArticles},
    },
    id::EntityId,
};
use axum::extract::State;

/// `GET /kb/categories`.
///
/// # Errors
/// When the database refuses.
pub async fn list(State(core): State<Core>, who: May<ReadArticles>) -> Answer<Vec<Category>> {
    let tenant = who.tenant;
    Ok(ok(core.db.read(move |r| sql::all(r, tenant)).await?))
}

/// `POST /kb/categories`.
///
/// # Errors
/// 409 `category_exists`; 422 naming every wrong field.
pub async fn make(
    State(core): State<Core>,
    who: May<ArrangeArticles>,
    Json(wish): Json<Wish>,
) -> Answer<Category> {
    let tenant = who.tenant;
    let made = core.db.write(move |w| super::create(w, tenant, &wish));
    Ok(created(made.await?))
}

/// `PATCH /kb/categories/{id}`.
///
/// # Errors
/// 404; 409 `category_exists` or `version_conflict`; 422 naming every wrong field.
pub async fn update(
    State(core): State<Core>,
    who: May<ArrangeArticles>,
    PathOf(id): PathOf<EntityId>,
    if_match: IfMatch,
    Json(wish): Json<Wish>,
) -> Answer<Category> {
    let tenant = who.tenant;
    let changed = core.db.write(move |w| {
        let before = sql::find(w, tenant, id)?.or_not_found("category")?;
        check_version(if_match.or(wish.version), before.version, &before)?;
        let mut after = before.clone();
        wish.apply(&mut after)?;
        if after != before {
            after.version += 1;
            after.updated_at = w.now;
            sql::put(w, &after)?;
        }
        Ok(after)
    });
    Ok(ok(changed.await?))
}

/// `DELETE /kb/categories/{id}`: its articles stand in no category then.
///
/// # Errors
/// 404 when the tenant has no such category.
pub async fn delete(
    State(core): State<Core>,
    who: May<ArrangeArticles>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Category> {
    let tenant = who.tenant;
    let deleted = core.db.write(move |w| {
        let category = sql::find(w, tenant, id)?.or_not_found("category")?;
        sql::delete(w, tenant, id)?;
        Ok(category)
    });
    Ok(ok(deleted.await?))
}
