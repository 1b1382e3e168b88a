//! Reasons to choose from: a name for being away, busy or offline, and how long it may last.
//!
//! A state may also be chosen for a reason in one's own words; only those that stand here have a
//! limit. It counts for states chosen after it was set.

pub mod http;
pub(super) mod sql;

use super::state::{State, check_reason};
use crate::{
    db::Write,
    error::{Checks, Error, OrNotFound as _, Result},
    http::patch::{self, check_version},
    id::{EntityId, TenantId},
    time,
};
use serde::{Deserialize, Serialize};

/// Most reasons of one tenant; one more is refused.
const REASONS_MAX: i64 = 100;

/// Longest limit, minutes: a day.
const LIMIT_MAX: i64 = 24 * 60;

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Its id.
    pub id: EntityId,
    tenant_id: TenantId,
    /// Counts its changes.
    version: i64,
    #[serde(serialize_with = "time::as_rfc3339")]
    created_at: i64,
    #[serde(serialize_with = "time::as_rfc3339")]
    updated_at: i64,
    /// Unique in its tenant, whatever its case; what `reason` says when it is chosen.
    name: String,
    /// The state it is a reason for.
    state: State,
    /// How long that state may last, `null` for ever.
    limit_minutes: Option<i64>,
}

/// What can be said about a reason; what is left out stays, at first `away` without a limit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    name: Option<String>,
    state: Option<String>,
    #[serde(default, deserialize_with = "patch::nullable")]
    limit_minutes: Option<Option<i64>>,
    version: Option<i64>,
}

impl Wish {
    fn apply(&self, reason: &mut Reason) -> Result<()> {
        let mut checks = Checks::new();
        if let Some(name) = &self.name {
            name.trim().clone_into(&mut reason.name);
        }
        checks.check(!reason.name.is_empty(), "name", "must not be empty");
        if let Err(why) = check_reason(&reason.name) {
            checks.fail("name", why);
        }
        if let Some(word) = &self.state {
            let fits = |state: &State| !state.is_made() && *state != State::Available;
            match word.parse().ok().filter(fits) {
                Some(state) => reason.state = state,
                None => checks.fail("state", "must be one of away, busy, offline"),
            }
        }
        reason.limit_minutes = self.limit_minutes.unwrap_or(reason.limit_minutes);
        let limit = reason.limit_minutes.is_none_or(|minutes| (1..=LIMIT_MAX).contains(&minutes));
        checks.check(limit, "limit_minutes", "must be 1 to 1440, or null");
        checks.done()
    }
}

/// Makes a reason.
///
/// # Errors
/// 409 `reason_exists` or `too_many_reasons`; 422 naming every wrong field.
fn create(w: &Write<'_>, tenant: TenantId, wish: &Wish) -> Result<Reason> {
    let mut reason = Reason {
        id: EntityId::new(w.now),
        tenant_id: tenant,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
        name: String::new(),
        state: State::Away,
        limit_minutes: None,
    };
    wish.apply(&mut reason)?;
    if sql::count(w, tenant)? >= REASONS_MAX {
        return Err(Error::conflict("too_many_reasons", "there are 100 already"));
    }
    sql::put(w, &reason)?;
    Ok(reason)
}

/// Changes a reason.
///
/// # Errors
/// 404; 409 `reason_exists` or `version_conflict`; 422 naming every wrong field.
fn change(
    w: &Write<'_>,
    tenant: TenantId,
    (id, wish, based_on): (EntityId, &Wish, Option<i64>),
) -> Result<Reason> {
    let before = sql::find(w, tenant, id)?.or_not_found("reason")?;
    check_version(based_on, before.version, &before)?;
    let mut after = before.clone();
    wish.apply(&mut after)?;
    if after != before {
        after.version += 1;
        after.updated_at = w.now;
        sql::put(w, &after)?;
    }
    Ok(after)
}

/// Deletes a reason. Who chose it stays where they are.
///
/// # Errors
/// 404; 409 `version_conflict`.
fn remove(
    w: &Write<'_>,
    tenant: TenantId,
    (id, based_on): (EntityId, Option<i64>),
) -> Result<Reason> {
    let reason = sql::find(w, tenant, id)?.or_not_found("reason")?;
    check_version(based_on, reason.version, &reason)?;
    sql::delete(w, tenant, id)?;
    Ok(reason)
}
