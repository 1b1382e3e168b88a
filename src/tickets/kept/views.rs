//! Views: a list's filters under a name, for oneself, a team or everybody.

use crate::{
    auth::Role,
    db::Write,
    error::{Checks, Error, Result},
    event::Listener,
    id::{EntityId, TenantId, UserId},
    teams,
    tickets::{list::Filters, sla},
};
use serde::{Deserialize, Serialize};

/// Who sees a view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shared {
    /// Its owner.
    #[default]
    Me,
    /// The members of a team.
    Team,
    /// All staff.
    All,
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// What it is called.
    pub name: String,
    /// What `GET /tickets` is asked for.
    #[serde(default)]
    pub filters: Filters,
    /// Who sees it; only its owner unless said.
    #[serde(default)]
    pub shared: Shared,
    /// The team, for a view that is shared with one.
    pub team_id: Option<EntityId>,
}

impl View {
    pub(super) fn checked(mut self, who: &Listener) -> Result<Self> {
        let mut checks = Checks::new();
        self.name = sla::name(&mut checks, &self.name);
        let one_team = (self.shared == Shared::Team) == self.team_id.is_some();
        checks.check(
            one_team,
            "team_id",
            "must name a team if, and only if, it is shared with one",
        );
        let nested = self.filters.view.is_some();
        checks.check(!nested, "filters.view", "has no meaning in a view");
        checks.done()?;
        if self.shared == Shared::All && who.role < Role::Supervisor {
            return Err(Error::Forbidden("only supervisors share views with everybody"));
        }
        self.filters = self.filters.checked(who)?;
        (self.filters.page, self.filters.per_page) = (None, None);
        Ok(self)
    }

    pub(super) fn check_team(&self, w: &Write<'_>, tenant: TenantId) -> Result<()> {
        match self.team_id {
            Some(team) if teams::members(w, tenant, team)?.is_none() => {
                Err(Error::field("team_id", "is no team here"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn is_seen(
        &self,
        owner: Option<UserId>,
        who: &Listener,
        teams: &[EntityId],
    ) -> bool {
        owner == Some(who.user)
            || match self.shared {
                Shared::Me => false,
                Shared::Team => self.team_id.is_some_and(|team| teams.contains(&team)),
                Shared::All => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    fn view(fields: serde_json::Value) -> View {
        serde_json::from_value(fields).unwrap()
    }

    fn who(user: u128, role: Role) -> Listener {
        Listener { tenant: TenantId(Uuid::nil()), user: UserId(Uuid::from_u128(user)), role }
    }

    /// One's own, one's team's, and what is for all; never somebody else's.
    #[test]
    fn a_view_is_seen_by_those_it_is_shared_with() {
        let team = EntityId(Uuid::from_u128(5));
        let (me, other) = (who(1, Role::Agent), who(2, Role::Admin));
        for (fields, by_others, by_team) in [
            (json!({ "name": "a" }), false, false),
            (json!({ "name": "a", "shared": "team", "team_id": team }), false, true),
            (json!({ "name": "a", "shared": "all" }), true, true),
        ] {
            let view = view(fields);
            assert!(view.is_seen(Some(me.user), &me, &[]));
            assert_eq!(view.is_seen(Some(me.user), &other, &[]), by_others);
            assert_eq!(view.is_seen(Some(me.user), &other, &[team]), by_team);
        }
    }

    #[test]
    fn a_view_is_checked() {
        let agent = who(1, Role::Agent);
        let shared = view(json!({ "name": "a", "shared": "all" }));
        assert!(matches!(shared.clone().checked(&agent), Err(Error::Forbidden(_))));
        assert!(shared.checked(&who(1, Role::Supervisor)).is_ok());
        assert!(view(json!({ "name": "a", "shared": "team" })).checked(&agent).is_err());
        let sleepy = view(json!({ "name": "a", "filters": { "status": "asleep" } }));
        assert!(sleepy.checked(&agent).is_err());
        let paged = view(json!({ "name": "a", "filters": { "status": "open", "page": 3 } }));
        let kept = serde_json::to_value(paged.checked(&agent).unwrap()).unwrap();
        assert_eq!(kept["filters"], json!({ "status": "open" }));
    }
}
