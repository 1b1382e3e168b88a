//! What staff keep for their work: macros, views, calendars and policies. They are made, changed
//! and deleted alike, so one set of functions serves all of them.

pub mod http;
mod macros;
mod sql;
mod views;

pub use macros::{Applied, Macro, apply};
pub use sql::filters_of_view;
pub use views::{Shared, View};

use super::sla::{Calendar, Policy};
use crate::{
    auth::Role,
    db::Write,
    error::{Error, OrNotFound, Result},
    event::Listener,
    http::{
        body::from_json,
        patch::check_version,
        permission::{
            HaveViews, ManageMacros, ManageServiceLevels, Permission, ReadMacros, ReadServiceLevels,
        },
    },
    id::{EntityId, TenantId, UserId},
    time,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Most of a kind that a tenant keeps.
const KEPT_MAX: i64 = 500;

/// A kind of thing that staff keep. Its JSON is stored as it is.
pub trait Tool: Serialize + DeserializeOwned + Send + 'static {
    /// The table it is stored in.
    const TABLE: &'static str;
    /// The word for one.
    const WORD: &'static str;
    /// Who may read it.
    type Read: Permission;
    /// Who may make, change and delete it.
    type Write: Permission;

    /// What it is called.
    fn name(&self) -> &str;

    /// Checks every field, and answers them as they are stored.
    ///
    /// # Errors
    /// 422 naming every field that is wrong; 403 for what `who` may not decide.
    fn checked(self, who: &Listener) -> Result<Self>;

    /// Checks what it names.
    ///
    /// # Errors
    /// 422 naming the field that names nothing here.
    fn check_names(&self, _w: &Write<'_>, _tenant: TenantId) -> Result<()> {
        Ok(())
    }

    /// Whether `who`, a member of `teams`, sees the one of `owner`.
    fn is_for(&self, _owner: Option<UserId>, _who: &Listener, _teams: &[EntityId]) -> bool {
        true
    }

    /// Whether `who`, who sees it, may change it.
    fn may_change(&self, _owner: Option<UserId>, _who: &Listener) -> bool {
        true
    }
}

impl Tool for Policy {
    const TABLE: &'static str = "sla_policies";
    const WORD: &'static str = "service level policy";
    type Read = ReadServiceLevels;
    type Write = ManageServiceLevels;
    fn name(&self) -> &str {
        &self.name
    }
    fn checked(self, _: &Listener) -> Result<Self> {
        Self::checked(self)
    }
    fn check_names(&self, w: &Write<'_>, tenant: TenantId) -> Result<()> {
        self.check_calendar(w, tenant)
    }
}

impl Tool for Calendar {
    const TABLE: &'static str = "calendars";
    const WORD: &'static str = "calendar";
    type Read = ReadServiceLevels;
    type Write = ManageServiceLevels;
    fn name(&self) -> &str {
        &self.name
    }
    fn checked(self, _: &Listener) -> Result<Self> {
        Self::checked(self)
    }
}

impl Tool for Macro {
    const TABLE: &'static str = "macros";
    const WORD: &'static str = "macro";
    type Read = ReadMacros;
    type Write = ManageMacros;
    fn name(&self) -> &str {
        &self.name
    }
    fn checked(self, _: &Listener) -> Result<Self> {
        Self::checked(self)
    }
    /// Their own, and supervisors everybody's.
    fn may_change(&self, owner: Option<UserId>, who: &Listener) -> bool {
        owner == Some(who.user) || who.role >= Role::Supervisor
    }
}

impl Tool for View {
    const TABLE: &'static str = "views";
    const WORD: &'static str = "view";
    type Read = HaveViews;
    type Write = HaveViews;
    fn name(&self) -> &str {
        &self.name
    }
    fn checked(self, who: &Listener) -> Result<Self> {
        Self::checked(self, who)
    }
    fn check_names(&self, w: &Write<'_>, tenant: TenantId) -> Result<()> {
        self.check_team(w, tenant)
    }
    fn is_for(&self, owner: Option<UserId>, who: &Listener, teams: &[EntityId]) -> bool {
        self.is_seen(owner, who, teams)
    }
    /// Their own, and supervisors those that are shared.
    fn may_change(&self, owner: Option<UserId>, who: &Listener) -> bool {
        owner == Some(who.user) || who.role >= Role::Supervisor
    }
}

/// One thing that is kept.
#[derive(Debug, Clone, Serialize)]
pub struct Kept<T> {
    /// Its id.
    pub id: EntityId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Counts its changes.
    pub version: i64,
    /// When it was made, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When it was last changed, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
    /// When it was deleted, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub deleted_at: Option<i64>,
    /// Who made it.
    pub owner_id: Option<UserId>,
    /// What it is.
    #[serde(flatten)]
    pub body: T,
}

/// Keeps something new.
///
/// # Errors
/// 422; 409 `too_many` when there are 500 already.
pub fn create<T: Tool>(w: &mut Write<'_>, who: &Listener, sent: &Value) -> Result<Kept<T>> {
    let body = read::<T>(sent)?.checked(who)?;
    body.check_names(w, who.tenant)?;
    if sql::count(w, T::TABLE, who.tenant)? >= KEPT_MAX {
        return Err(Error::conflict("too_many", format!("there are 500 already: {}", T::WORD)));
    }
    let kept = Kept {
        id: EntityId::new(w.now),
        tenant_id: who.tenant,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
        deleted_at: None,
        owner_id: Some(who.user),
        body,
    };
    sql::insert(w, &kept)?;
    Ok(kept)
}

/// Changes the fields that were sent, `version` apart. What changes nothing stores nothing.
///
/// # Errors
/// 404 for what `who` does not see; 403 for what they may not change; 409 `version_conflict`; 422.
pub fn change<T: Tool>(
    w: &mut Write<'_>,
    who: &Listener,
    id: EntityId,
    (sent, based_on): (&Map<String, Value>, Option<i64>),
) -> Result<Kept<T>> {
    let mut kept: Kept<T> = mine(w, who, id, based_on)?;
    let before = serde_json::to_value(&kept.body).map_err(Error::internal)?;
    let mut after = before.clone();
    if let Value::Object(fields) = &mut after {
        fields.extend(sent.iter().map(|(field, value)| (field.clone(), value.clone())));
    }
    kept.body = read::<T>(&after)?.checked(who)?;
    kept.body.check_names(w, who.tenant)?;
    if serde_json::to_value(&kept.body).map_err(Error::internal)? != before {
        (kept.version, kept.updated_at) = (kept.version + 1, w.now);
        sql::update(w, &kept)?;
    }
    Ok(kept)
}

/// Deletes it; what uses it keeps it.
///
/// # Errors
/// 404 for what `who` does not see; 403 for what they may not change; 409 `version_conflict`.
pub fn remove<T: Tool>(
    w: &mut Write<'_>,
    who: &Listener,
    id: EntityId,
    based_on: Option<i64>,
) -> Result<Kept<T>> {
    let mut kept: Kept<T> = mine(w, who, id, based_on)?;
    (kept.version, kept.updated_at, kept.deleted_at) = (kept.version + 1, w.now, Some(w.now));
    sql::update(w, &kept)?;
    Ok(kept)
}

/// One that `who` may change.
fn mine<T: Tool>(
    w: &Write<'_>,
    who: &Listener,
    id: EntityId,
    based_on: Option<i64>,
) -> Result<Kept<T>> {
    let kept: Kept<T> = sql::seen(w, who, id)?.or_not_found(T::WORD)?;
    if !kept.body.may_change(kept.owner_id, who) {
        return Err(Error::Forbidden("only its owner and supervisors may change that"));
    }
    check_version(based_on, kept.version, &kept)?;
    Ok(kept)
}

/// Reads what was sent, naming the field that cannot be read.
fn read<T: DeserializeOwned>(sent: &Value) -> Result<T> {
    from_json(sent.to_string().as_bytes())
}
