//! `/event-types`: the catalogue for all staff, a tenant's own types for administrators.
//!
//! * `GET /event-types` (`ReadEventTypes`)
//! * `POST`, `PATCH`, `DELETE /event-types/{name}` (`ManageEventTypes`)

use super::{Described, TYPES_MAX, Types, Wish, check_name, sql};
use crate::{
    error::{Error, OrNotFound as _, Result},
    event::catalogue,
    http::{
        Answer, Core, Json, May, PathOf, created, ok,
        patch::{IfMatch, check_version},
        permission::{ManageEventTypes, ReadEventTypes},
    },
};
use axum::extract::State;
use serde::Serialize;
use serde_json::{Value, json};

/// One row of the catalogue.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Row {
    /// Deskbell's.
    BuiltIn(BuiltIn),
    /// A tenant's.
    Own(Described),
}

/// A built-in type.
#[derive(Debug, Serialize)]
pub struct BuiltIn {
    #[serde(rename = "type")]
    name: &'static str,
    description: &'static str,
    audience: &'static str,
    example: &'static Value,
    schema: &'static Value,
    custom: bool,
}

/// `GET /event-types`: every built-in kind and the tenant's own, each with a sentence, an example
/// and a JSON Schema.
///
/// # Errors
/// 403 for customers.
pub async fn list(State(core): State<Core>, who: May<ReadEventTypes>) -> Answer<Vec<Row>> {
    let tenant = who.tenant;
    let own = core.db.read(move |r| sql::all(r, tenant)).await?;
    let built_in = catalogue::entries().iter().map(|entry| {
        Row::BuiltIn(BuiltIn {
            name: entry.kind.name(),
            description: entry.sentence,
            audience: entry.audience,
            example: &entry.example,
            schema: &entry.schema,
            custom: false,
        })
    });
    let rows: Vec<Row> = built_in.chain(own.into_iter().map(Row::Own)).collect();
    let meta = json!({ "total": rows.len() });
    Ok(ok(rows).with_meta(meta))
}

/// `POST /event-types/{name}`: registers a type of the tenant's own.
///
/// # Errors
/// 422 naming every wrong field; `reserved_type` for a name of Deskbell's; 409 when it is there, or
/// there are too many.
pub async fn create(
    State(types): State<Types>,
    who: May<ManageEventTypes>,
    PathOf(name): PathOf<String>,
    Json(wish): Json<Wish>,
) -> Answer<Described> {
    check_name(&name)?;
    let (tenant, wanted) = (who.tenant, wish.wanted(None)?);
    let remembered = types.clone();
    let job = types.db().write(move |w| {
        if sql::find(w, tenant, &name)?.is_some() {
            let why = format!("`{name}` is registered already");
            return Err(Error::conflict("type_exists", why));
        }
        if sql::count(w, tenant)? >= TYPES_MAX {
            let why = format!("a tenant has at most {TYPES_MAX} types of its own");
            return Err(Error::conflict("too_many_types", why));
        }
        sql::insert(w, tenant, &name, &wanted)?;
        let changed = remembered.clone();
        w.after_commit(move || changed.changed());
        sql::find(w, tenant, &name)?.or_not_found("event type")
    });
    job.await.map(created)
}

/// `PATCH /event-types/{name}`: what is absent stays as it is. Events already published are left.
///
/// # Errors
/// 404; 422 naming every wrong field; 409 `version_conflict`.
pub async fn change(
    State(types): State<Types>,
    who: May<ManageEventTypes>,
    PathOf(name): PathOf<String>,
    if_match: IfMatch,
    Json(wish): Json<Wish>,
) -> Answer<Described> {
    let (tenant, based_on) = (who.tenant, if_match.or(wish.version));
    let remembered = types.clone();
    let job = types.db().write(move |w| {
        let now = sql::find(w, tenant, &name)?.or_not_found("event type")?;
        check_version(based_on, now.version, &now)?;
        let wanted = wish.wanted(Some(&now))?;
        let same = wanted.description == now.description
            && wanted.example == now.example
            && wanted.schema == now.schema;
        if !same {
            sql::update(w, tenant, &name, &wanted)?;
            let changed = remembered.clone();
            w.after_commit(move || changed.changed());
        }
        sql::find(w, tenant, &name)?.or_not_found("event type")
    });
    job.await.map(ok)
}

/// `DELETE /event-types/{name}`: it may still be published, unchecked.
///
/// # Errors
/// 404 when the tenant has no such type.
pub async fn delete(
    State(types): State<Types>,
    who: May<ManageEventTypes>,
    PathOf(name): PathOf<String>,
) -> Answer<Described> {
    let tenant = who.tenant;
    let remembered = types.clone();
    let job = types.db().write(move |w| -> Result<Described> {
        let found = sql::find(w, tenant, &name)?.or_not_found("event type")?;
        sql::delete(w, tenant, &name)?;
        let changed = remembered.clone();
        w.after_commit(move || changed.changed());
        Ok(found)
    });
    job.await.map(ok)
}
