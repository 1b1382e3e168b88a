//! Teams: groups of staff that tickets, calls and chats are given to.

pub mod http;
mod sql;
#[cfg(test)]
mod tests;

pub use sql::{find, members, of_user};

use crate::{
    db::{OnUnique as _, Say, Write},
    error::{Checks, Error, OrNotFound as _, Result},
    event::{Actor, Kind, changes::Changes},
    http::patch::{self, check_version},
    id::{EntityId, TenantId, UserId},
    time,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Longest name of a team and of a queue, characters.
const NAME_MAX: usize = 100;

/// Most members of a team, and most queues.
const MEMBERS_MAX: usize = 200;
const QUEUES_MAX: usize = 50;

/// How what comes to a team finds its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// Somebody takes it.
    #[default]
    Manual,
    /// The members in turn.
    RoundRobin,
    /// The member with the fewest open tickets.
    LeastBusy,
}

impl Assignment {
    const ALL: [Self; 3] = [Self::Manual, Self::RoundRobin, Self::LeastBusy];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::RoundRobin => "round_robin",
            Self::LeastBusy => "least_busy",
        }
    }
}

/// A team as staff see it and as events carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Team {
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
    /// When it was dissolved, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub deleted_at: Option<i64>,
    /// Unique among the living teams of its tenant, whatever its case.
    pub name: String,
    /// Who belongs to it, in the order in which they were named. Who was closed since is still
    /// listed; [`members`] leaves them out.
    pub members: Vec<UserId>,
    /// Who leads it.
    pub lead_id: Option<UserId>,
    /// How what comes to it finds its agent.
    pub assignment: Assignment,
    /// The queues of the PBX whose calls are theirs.
    pub queue_names: Vec<String>,
}

/// A new team.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    name: String,
    #[serde(default)]
    members: Vec<UserId>,
    lead_id: Option<UserId>,
    #[serde(default)]
    assignment: Assignment,
    #[serde(default)]
    queue_names: Vec<String>,
}

/// What is to be changed about a team; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    name: Option<String>,
    members: Option<Vec<UserId>>,
    #[serde(default, deserialize_with = "patch::nullable")]
    lead_id: Option<Option<UserId>>,
    assignment: Option<Assignment>,
    queue_names: Option<Vec<String>>,
    /// The version the change was made from.
    version: Option<i64>,
}

impl Edit {
    fn applied_to(&self, team: &Team) -> Team {
        let edit = self.clone();
        Team {
            name: edit.name.unwrap_or_else(|| team.name.clone()),
            members: edit.members.unwrap_or_else(|| team.members.clone()),
            lead_id: edit.lead_id.unwrap_or(team.lead_id),
            assignment: edit.assignment.unwrap_or(team.assignment),
            queue_names: edit.queue_names.unwrap_or_else(|| team.queue_names.clone()),
            ..team.clone()
        }
    }
}

/// Makes a team.
///
/// # Errors
/// 409 `name_taken`, 422 naming the fields that are wrong.
pub fn create(w: &mut Write<'_>, tenant: TenantId, actor: &Actor, new: New) -> Result<Team> {
    let mut team = Team {
        id: EntityId::new(w.now),
        tenant_id: tenant,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
        deleted_at: None,
        name: new.name,
        members: new.members,
        lead_id: new.lead_id,
        assignment: new.assignment,
        queue_names: new.queue_names,
    };
    check(w, &mut team, &[])?;
    sql::insert(w, &team).on_unique(NAME, name_taken)?;
    sql::set_members(w, &team)?;
    w.say(Say::new(tenant, Kind::TeamCreated, &team)?.by(actor.clone()))?;
    Ok(team)
}

/// Changes a team.
///
/// # Errors
/// 404, 409 `version_conflict` or `name_taken`, 422 naming the fields that are wrong.
pub fn change(
    w: &mut Write<'_>,
    tenant: TenantId,
    actor: &Actor,
    (id, edit): (EntityId, &Edit),
) -> Result<Team> {
    let before = find(w, tenant, id)?.or_not_found("team")?;
    check_version(edit.version, before.version, &before)?;
    let mut after = edit.applied_to(&before);
    let known: Vec<_> = before.members.iter().copied().chain(before.lead_id).collect();
    check(w, &mut after, &known)?;
    store(w, &before, after, actor)
}

/// Dissolves a team. What was given to it stays where it is.
///
/// # Errors
/// 404, 409 `version_conflict`.
pub fn remove(
    w: &mut Write<'_>,
    tenant: TenantId,
    actor: &Actor,
    (id, based_on): (EntityId, Option<i64>),
) -> Result<Team> {
    let mut team = find(w, tenant, id)?.or_not_found("team")?;
    check_version(based_on, team.version, &team)?;
    team.version += 1;
    (team.updated_at, team.deleted_at) = (w.now, Some(w.now));
    sql::update(w, &team)?;
    w.say(Say::new(tenant, Kind::TeamDeleted, &team)?.by(actor.clone()))?;
    Ok(team)
}

/// Takes somebody who was deleted out of all teams.
///
/// # Errors
/// When the database refuses.
pub fn leave_all(w: &mut Write<'_>, tenant: TenantId, user: UserId, actor: &Actor) -> Result<()> {
    for id in sql::teams_of(w, tenant, user)? {
        let before = find(w, tenant, id)?.or_not_found("team")?;
        let mut after = before.clone();
        after.members.retain(|member| *member != user);
        after.lead_id = before.lead_id.filter(|lead| *lead != user);
        store(w, &before, after, actor)?;
    }
    Ok(())
}

/// Whom a team's rule chooses of those who are able to take what came to it.
///
/// Each comes with how much they have in hand, in the team's order; of those with equally little it
/// is the first. `None` where people choose, and when nobody is able.
///
/// # Errors
/// When the database refuses.
pub fn choose(w: &Write<'_>, team: &Team, able: &[(UserId, i64)]) -> Result<Option<UserId>> {
    match team.assignment {
        Assignment::Manual => Ok(None),
        Assignment::RoundRobin => {
            let able: Vec<_> = able.iter().map(|(user, _)| *user).collect();
            sql::take_turn(w, team.id, &able)
        }
        Assignment::LeastBusy => {
            Ok(able.iter().min_by_key(|(_, busy)| *busy).map(|(user, _)| *user))
        }
    }
}

const NAME: &str = "teams.tenant_id, teams.name";

fn name_taken() -> Error {
    Error::conflict("name_taken", "this tenant has a team of that name already")
}

/// Stores a team as it should be, if that is any different, and says so.
fn store(w: &mut Write<'_>, before: &Team, mut after: Team, actor: &Actor) -> Result<Team> {
    let changes = Changes::between(before, &after)?;
    if changes.is_empty() {
        return Ok(after);
    }
    after.version += 1;
    after.updated_at = w.now;
    sql::update(w, &after).on_unique(NAME, name_taken)?;
    if changes.touches("members") {
        sql::set_members(w, &after)?;
    }
    let say = Say::new(after.tenant_id, Kind::TeamUpdated, &after)?.by(actor.clone());
    w.say(say.changes(&changes)?)?;
    Ok(after)
}

/// Checks every field of a team and puts it into the form in which it is stored. Who is in `known`
/// was checked when they came, and may have been closed since.
fn check(w: &Write<'_>, team: &mut Team, known: &[UserId]) -> Result<()> {
    let mut checks = Checks::new();
    let plain = |text: &str| {
        (1..=NAME_MAX).contains(&text.chars().count()) && !text.contains(char::is_control)
    };
    team.name = team.name.trim().to_owned();
    checks.check(plain(&team.name), "name", "must be one line of 1 to 100 characters");
    let mut seen = BTreeSet::new();
    team.members.retain(|member| seen.insert(*member));
    checks.check(team.members.len() <= MEMBERS_MAX, "members", "must be at most 200");
    for (index, member) in team.members.iter().take(MEMBERS_MAX).enumerate() {
        if !known.contains(member) && !sql::is_staff(w, team.tenant_id, *member)? {
            checks.fail(format!("members[{index}]"), "must be active staff");
        }
    }
    if let Some(lead) = team.lead_id.filter(|lead| !known.contains(lead)) {
        checks.check(sql::is_staff(w, team.tenant_id, lead)?, "lead_id", "must be active staff");
    }
    let mut queues = BTreeSet::new();
    team.queue_names.iter_mut().for_each(|name| *name = name.trim().to_owned());
    team.queue_names.retain(|name| queues.insert(name.clone()));
    checks.check(team.queue_names.len() <= QUEUES_MAX, "queue_names", "must be at most 50");
    for (index, name) in team.queue_names.iter().take(QUEUES_MAX).enumerate() {
        let field = format!("queue_names[{index}]");
        checks.check(plain(name), &field, "must be one line of 1 to 100 characters");
    }
    checks.done()
}
