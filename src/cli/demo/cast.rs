//! The people of the demonstration, and the teams they work in.

use super::texts::Desk;
use crate::{
    accounts::setup,
    auth::Role,
    db::Write,
    error::{Error, Result},
    http::{Caller, Via},
    id::{EntityId, TenantId, UserId},
    teams,
    users::{self, Hand, User},
};
use serde_json::json;

/// Seed B's commands use this address.
pub(super) const EMAIL: &str = "admin@example.com";

/// How long everybody is here, milliseconds: nine days.
const HIRED_MS: i64 = 9 * 86_400_000;

const STAFF: [(&str, &str, Role, &str); 4] = [
    ("ada@example.com", "Ada Okafor", Role::Agent, "201"),
    ("ben@example.com", "Ben Lindqvist", Role::Agent, "202"),
    ("chiyo@example.com", "Chiyo Tanaka", Role::Agent, "203"),
    ("mira@example.com", "Mira Solberg", Role::Supervisor, "204"),
];

/// Only the first of [`STAFF`] sit at the desk.
const AGENTS: usize = 3;

/// Who sits at the telephones, beside those of the desk.
const FLOOR: [(&str, &str, &str); 9] = [
    ("dario@example.com", "Dario Conti", "211"),
    ("esther@example.com", "Esther Mensah", "212"),
    ("farid@example.com", "Farid Karimi", "213"),
    ("greta@example.com", "Greta Holm", "214"),
    ("hugo@example.com", "Hugo Marchand", "215"),
    ("ivana@example.com", "Ivana Horvat", "216"),
    ("joon@example.com", "Joon Park", "217"),
    ("katya@example.com", "Katya Orlova", "218"),
    ("leo@example.com", "Leo Fischer", "219"),
];

const CUSTOMERS: [(&str, &str); 10] = [
    ("dora@customer.example", "Dora Weiss"),
    ("emil@customer.example", "Emil Haddad"),
    ("fatou@customer.example", "Fatou Diop"),
    ("gus@customer.example", "Gus Petrov"),
    ("hana@customer.example", "Hana Novak"),
    ("ines@customer.example", "Inês Carvalho"),
    ("jonas@customer.example", "Jonas Brandt"),
    ("kavya@customer.example", "Kavya Raman"),
    ("liam@customer.example", "Liam O'Sullivan"),
    ("mei@customer.example", "Mei Chen"),
];

/// Everybody, as those who do something.
#[derive(Debug, Clone)]
pub(super) struct Cast {
    /// Whose all of it is.
    pub(super) tenant: TenantId,
    /// Who signs in to look at it; does nothing by themselves.
    pub(super) admin: Caller,
    /// The supervisor.
    pub(super) supervisor: Caller,
    /// Who answers.
    pub(super) agents: Vec<Caller>,
    /// Who takes calls: those of the desk, too.
    pub(super) floor: Vec<Caller>,
    /// Who asks.
    pub(super) customers: Vec<Caller>,
    teams: [(Desk, EntityId); 3],
}

impl Cast {
    /// Makes the accounts and teams of an empty folder; everybody has the password with this hash,
    /// and is here for longer than anything that is told of them.
    ///
    /// # Errors
    /// When the folder is not empty, or the database refuses.
    pub(super) fn hire(w: &mut Write<'_>, hash: &str) -> Result<Self> {
        w.now -= HIRED_MS;
        let admin = setup::Admin::checked(EMAIL, Some("Alex Admin"), None, hash.to_owned())?;
        let made = setup::make_first_admin(w, &admin)?;
        let admin = made.ok_or_else(|| Error::internal("the throw-away folder was not empty"))?;
        let tenant = admin.tenant_id;
        let hand = Hand::of_system(tenant);
        let mut staff = Vec::with_capacity(STAFF.len());
        for (email, name, role, extension) in STAFF {
            let extension = Some(extension.to_owned());
            let new = users::New { extension, ..users::New::plain(email, name, role) };
            staff.push(caller(&users::create(w, &hand, &new, Some(hash))?));
        }
        let mut floor = staff.iter().take(AGENTS).cloned().collect::<Vec<_>>();
        for (email, name, extension) in FLOOR {
            let extension = Some(extension.to_owned());
            let new = users::New { extension, ..users::New::plain(email, name, Role::Agent) };
            floor.push(caller(&users::create(w, &hand, &new, Some(hash))?));
        }
        let mut customers = Vec::with_capacity(CUSTOMERS.len());
        for (at, (email, name)) in CUSTOMERS.into_iter().enumerate() {
            let plain = users::New::plain(email, name, Role::Customer);
            let new = users::New { phone: Some(phone(at)), ..plain };
            customers.push(caller(&users::create(w, &hand, &new, Some(hash))?));
        }
        let supervisor = staff.last().cloned().ok_or_else(|| Error::internal("nobody"))?;
        staff.truncate(AGENTS);
        let id = |at: usize| staff.get(at).map(|agent| agent.user);
        let mut team = |name: &str, assignment: &str, members: [Option<UserId>; 2]| {
            let new = json!({
                "name": name, "assignment": assignment, "lead_id": members[0], "members": members,
                "queue_names": [name.to_lowercase()],
            });
            let new = serde_json::from_value(new).map_err(Error::internal)?;
            teams::create(w, tenant, &hand.actor, new).map(|team| team.id)
        };
        let teams = [
            (Desk::Orders, team("Orders", "round_robin", [id(0), id(1)])?),
            (Desk::Repairs, team("Repairs", "least_busy", [id(2), id(1)])?),
            (Desk::Billing, team("Billing", "manual", [id(0), id(2)])?),
        ];
        let admin = caller(&admin);
        Ok(Self { tenant, admin, supervisor, agents: staff, floor, customers, teams })
    }

    /// The team that looks after it.
    pub(super) fn team(&self, desk: Desk) -> Option<EntityId> {
        self.teams.iter().find(|(known, _)| *known == desk).map(|(_, id)| *id)
    }

    /// The agent of that account, if they are one of these.
    pub(super) fn agent(&self, user: Option<UserId>) -> Option<&Caller> {
        self.agents.iter().find(|agent| Some(agent.user) == user)
    }

    /// Who takes calls under that account, if they do.
    pub(super) fn at_telephone(&self, user: UserId) -> Option<&Caller> {
        self.floor.iter().find(|agent| agent.user == user)
    }

    /// Everybody who works here.
    pub(super) fn staff(&self) -> impl Iterator<Item = &Caller> {
        self.floor.iter().chain([&self.supervisor, &self.admin])
    }
}

/// The telephone number of the customer at that place; from a range that belongs to nobody.
pub(super) fn phone(at: usize) -> String {
    format!("+44 20 7946 0{:03}", 101 + at)
}

/// Somebody as if they were signed in, on a page of ours.
fn caller(user: &User) -> Caller {
    Caller {
        tenant: user.tenant_id,
        user: user.id,
        role: user.role,
        is_system_admin: user.is_system_admin,
        name: user.name.clone(),
        session: None,
        expires_at: i64::MAX,
        via: Via::Cookie,
    }
}
