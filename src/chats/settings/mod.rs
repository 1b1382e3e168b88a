//! What a tenant decided about its chats: whether visitors are let in and from which sites, which
//! team new chats are for, and how many one of staff has at most.

pub mod http;
mod sql;

pub use sql::find;

use crate::{
    auth::secret,
    db::Write,
    error::{Checks, Result},
    http::patch::{self, check_version},
    id::{EntityId, TenantId},
    teams, time,
};
use serde::{Deserialize, Serialize};

/// Most sites of a tenant, and the longest one, bytes.
const SITES_MAX: usize = 20;
const SITE_MAX: usize = 255;

/// Chats in hand beyond which no rule gives somebody another one, unless decided; and the most
/// that can be decided.
const CAP: i64 = 5;
const CAP_MAX: i64 = 100;

/// A tenant's decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Counts the changes; 0 before the first.
    pub version: i64,
    /// When they were last changed.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub updated_at: Option<i64>,
    /// Whether visitors may begin chats.
    pub visitors: bool,
    /// Names the tenant to the widget; no secret. None before the first change.
    pub key: Option<String>,
    /// The sites whose pages may show the widget, as origins.
    pub sites: Vec<String>,
    /// The team that new chats are for.
    pub team_id: Option<EntityId>,
    /// Chats in hand beyond which no rule gives somebody another one.
    pub max_per_agent: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: 0,
            updated_at: None,
            visitors: false,
            key: None,
            sites: Vec::new(),
            team_id: None,
            max_per_agent: CAP,
        }
    }
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    visitors: Option<bool>,
    sites: Option<Vec<String>>,
    #[serde(default, deserialize_with = "patch::nullable")]
    team_id: Option<Option<EntityId>>,
    max_per_agent: Option<i64>,
    /// Makes another key: pages with the old one show nothing any more.
    #[serde(default)]
    new_key: bool,
    version: Option<i64>,
}

impl Edit {
    fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        if let Some(sites) = &mut self.sites {
            checks.check(sites.len() <= SITES_MAX, "sites", "must be at most 20");
            for (index, site) in sites.iter_mut().enumerate() {
                *site = site.trim().trim_end_matches('/').to_ascii_lowercase();
                let field = format!("sites[{index}]");
                let why = "must be an origin, such as https://www.example.com";
                checks.check(is_origin(site), &field, why);
            }
            sites.sort_unstable();
            sites.dedup();
        }
        let cap = self.max_per_agent.is_none_or(|cap| (1..=CAP_MAX).contains(&cap));
        checks.check(cap, "max_per_agent", "must be 1 to 100");
        checks.done()?;
        Ok(self)
    }
}

/// Whether it is a scheme, a host and perhaps a port, as browsers write an `Origin`.
fn is_origin(site: &str) -> bool {
    let rest = site.strip_prefix("https://").or_else(|| site.strip_prefix("http://"));
    rest.is_some_and(|authority| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
        !authority.is_empty() && site.len() <= SITE_MAX && authority.bytes().all(plain)
    })
}

/// Changes the settings of a tenant. `edit` was checked.
///
/// # Errors
/// 409 `version_conflict`, 422 for what is no team here.
fn change(w: &mut Write<'_>, tenant: TenantId, edit: &Edit) -> Result<Settings> {
    let before = find(w, tenant)?;
    check_version(edit.version, before.version, &before)?;
    let mut after = before.clone();
    after.visitors = edit.visitors.unwrap_or(before.visitors);
    after.sites = edit.sites.clone().unwrap_or(after.sites);
    after.team_id = edit.team_id.unwrap_or(before.team_id);
    after.max_per_agent = edit.max_per_agent.unwrap_or(before.max_per_agent);
    if let Some(team) = after.team_id.filter(|_| after.team_id != before.team_id)
        && teams::find(w, tenant, team)?.is_none()
    {
        return Err(crate::error::Error::field("team_id", "is no team here"));
    }
    if after.key.is_none() || edit.new_key {
        after.key = Some(secret::fresh("dbw_")?);
    }
    if after == before {
        return Ok(before);
    }
    (after.version, after.updated_at) = (before.version + 1, Some(w.now));
    sql::store(w, tenant, &after)?;
    Ok(after)
}

/// Chats in hand beyond which no rule gives somebody another one.
pub(super) fn cap(w: &Write<'_>, tenant: TenantId) -> Result<i64> {
    find(w, tenant).map(|settings| settings.max_per_agent)
}

/// The team that new chats are for, while there is one.
pub(super) fn team(w: &Write<'_>, tenant: TenantId) -> Result<Option<EntityId>> {
    match find(w, tenant)?.team_id {
        Some(team) => Ok(teams::find(w, tenant, team)?.map(|team| team.id)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_origins_and_nothing_else() {
        for good in ["https://www.example.com", "http://127.0.0.1:8080", "https://[::1]:8443"] {
            assert!(is_origin(good), "{good}");
        }
        let bad = ["", "*", "null", "www.example.com", "https://", "ftp://a.example"];
        for bad in bad.into_iter().chain(["https://a.example/path", "https://u@a.example"]) {
            assert!(!is_origin(bad), "{bad}");
        }
        let sites = vec![" HTTPS://A.example/ ".into(), "https://a.example".into()];
        let edit = Edit { sites: Some(sites), ..Edit::default() }.checked().unwrap();
        assert_eq!(edit.sites.unwrap(), ["https://a.example"]);
    }
}
