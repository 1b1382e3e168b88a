//! A help desk that has been used for a while: people, teams, tickets and what was said on them,
//! the same in every run, and all of it made through HTTP.

use crate::cli::bench::{
    Outcome,
    client::Api,
    load,
    server::{PASSWORD, Server},
    wrong,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Connections that fill it.
const CLIENTS: u16 = 64;

/// How many people and teams there are, and members of a team.
const CUSTOMERS: u64 = 2_000;
const AGENTS: u64 = 20;
const TEAMS: usize = 5;
const MEMBERS: usize = 3;

/// Different words that are written; the first ones often, the last ones hardly ever.
const WORDS: u64 = 20_000;

/// Different tags.
pub(super) const TAGS: u64 = 200;

/// What the most frequent words are.
const FREQUENT: [&str; 16] = [
    "printer",
    "the",
    "password",
    "invoice",
    "réseau",
    "printing",
    "straße",
    "computer",
    "email",
    "account",
    "café",
    "order",
    "delivery",
    "screen",
    "telephone",
    "pressure",
];

/// What other words are made of.
const SYLLABLES: [&str; 20] = [
    "ba", "cor", "del", "fa", "gri", "hol", "in", "ka", "lem", "mo", "nar", "or", "pri", "qua",
    "ri", "sto", "ta", "ul", "ver", "zé",
];

/// One customer in so many tickets is the same one: a firm.
const FIRM_IN: u64 = 100;

/// One ticket in so many is closed.
const CLOSED_IN: u64 = 4;

/// Who lives there.
pub(super) struct Town {
    /// Ids by number; the first one is the firm, and it and the second one can sign in.
    pub(super) customers: Vec<String>,
    pub(super) agents: Vec<String>,
    pub(super) teams: Vec<String>,
}

/// The address of a customer.
pub(super) fn customer(number: u64) -> String {
    format!("customer{number:04}@bench.example")
}

impl Town {
    /// Makes the people and teams.
    pub(super) async fn settle(api: &mut Api, server: &Server) -> Outcome<Self> {
        let person = |email: String, role: &str, password: Option<&str>| {
            let name = email.split('@').next().unwrap_or_default();
            json!({"email": email, "name": name, "role": role, "password": password})
        };
        let mut requests = Vec::new();
        for number in 0..AGENTS {
            let agent = person(format!("agent{number:02}@bench.example"), "agent", None);
            requests.push(api.request("POST", "/api/v1/users", &agent.to_string()));
        }
        for number in 0..CUSTOMERS {
            let password = (number < 2).then_some(PASSWORD);
            let customer = person(customer(number), "customer", password);
            requests.push(api.request("POST", "/api/v1/users", &customer.to_string()));
        }
        let count = requests.len() as u64;
        let make: load::Make = Arc::new(move |number| {
            let at = usize::try_from(number).unwrap_or(usize::MAX);
            requests.get(at).cloned().unwrap_or_default()
        });
        load::each(server.address, CLIENTS, ("POST /users", 201), (count, make)).await?;
        let agents = ids(api, "/api/v1/users?role=agent").await?;
        for (number, members) in agents.chunks(MEMBERS).take(TEAMS).enumerate() {
            let team = json!({"name": format!("Team {number}"), "members": members});
            api.post("/api/v1/teams", &team).await?;
        }
        let policy = json!({
            "name": "Two hours, two days",
            "first_response_minutes": {"low": 240, "normal": 120, "high": 60, "urgent": 30},
            "resolution_minutes": {"low": 5760, "normal": 2880, "high": 1440, "urgent": 480},
        });
        api.post("/api/v1/sla-policies", &policy).await?;
        Self::found(api).await
    }

    /// Reads who is there.
    pub(super) async fn found(api: &mut Api) -> Outcome<Self> {
        let town = Self {
            customers: ids(api, "/api/v1/users?role=customer").await?,
            agents: ids(api, "/api/v1/users?role=agent").await?,
            teams: ids(api, "/api/v1/teams?").await?,
        };
        if town.customers.len() < 2 || town.agents.is_empty() || town.teams.is_empty() {
            return Err(wrong("the people of the bench are not there".into()));
        }
        Ok(town)
    }

    /// Opens so many tickets, writes so many comments on them, closes some.
    pub(super) async fn fill(
        self: &Arc<Self>,
        api: &Api,
        server: &Server,
        (tickets, comments): (u64, u64),
    ) -> Outcome<()> {
        let (town, of) = (self.clone(), api.pen());
        let make: load::Make = Arc::new(move |number| {
            of.request("POST", "/api/v1/tickets", &town.ticket(number).to_string())
        });
        load::each(server.address, CLIENTS, ("POST /tickets", 201), (tickets, make)).await?;
        let of = api.pen();
        let make: load::Make = Arc::new(move |number| {
            let mut dice = Dice::of(number ^ 0xc0ffee);
            let path = format!("/api/v1/tickets/{}/comments", 1 + dice.below(tickets));
            let visibility = if dice.below(4) == 0 { "internal" } else { "public" };
            let body = json!({"body": dice.text(25), "visibility": visibility});
            of.request("POST", &path, &body.to_string())
        });
        load::each(server.address, CLIENTS, ("POST /comments", 201), (comments, make)).await?;
        let of = api.pen();
        let make: load::Make = Arc::new(move |number| {
            let path = format!("/api/v1/tickets/{}", 1 + number * CLOSED_IN);
            of.request("PATCH", &path, r#"{"status":"closed"}"#)
        });
        let closed = tickets / CLOSED_IN;
        load::each(server.address, CLIENTS, ("PATCH /tickets", 200), (closed, make)).await
    }

    /// A ticket as staff open it.
    pub(super) fn ticket(&self, number: u64) -> Value {
        let mut dice = Dice::of(number);
        let customer = match dice.below(FIRM_IN) {
            0 => self.customers.first(),
            _ => dice.any(&self.customers),
        };
        let status = ["open", "in_progress", "pending", "resolved", "resolved"];
        let mut status = dice.any(&status).copied();
        if dice.below(50) == 0 {
            status = Some("on_hold");
        }
        let assignee = dice.any(&self.agents).filter(|_| dice.below(10) < 7);
        let team = dice.any(&self.teams).filter(|_| dice.below(10) < 8);
        let tags: Vec<String> =
            (0..dice.below(4)).map(|_| format!("tag{}", dice.often_small(TAGS))).collect();
        let followers: Vec<&String> =
            dice.any(&self.customers).filter(|_| dice.below(20) == 0).into_iter().collect();
        json!({
            "subject": dice.text(5),
            "description": dice.text(30),
            "requester_id": customer,
            "status": status,
            "priority": dice.any(&["low", "normal", "normal", "normal", "high", "urgent"]),
            "type": dice.any(&["incident", "incident", "question", "problem", "task"]),
            "channel": dice.any(&["web", "email", "email", "call"]),
            "assignee_id": assignee,
            "team_id": team,
            "tags": tags,
            "followers": followers,
        })
    }

    /// A ticket as a customer opens it: the members of its team are told.
    pub(super) fn plain_ticket(&self, number: u64) -> Value {
        let mut dice = Dice::of(number);
        json!({
            "subject": dice.text(5),
            "description": dice.text(30),
            "team_id": dice.any(&self.teams),
        })
    }

    /// How many people hear of a [`Self::plain_ticket`].
    pub(super) fn told() -> u64 {
        MEMBERS as u64
    }
}

/// The ids of a list, by name.
async fn ids(api: &mut Api, path: &str) -> Outcome<Vec<String>> {
    let mut all = Vec::new();
    for page in 1.. {
        let answer = api.get(&format!("{path}&per_page=200&page={page}")).await?;
        let rows = answer.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        let ids = rows.iter().filter_map(|row| row.get("id")?.as_str().map(str::to_owned));
        all.extend(ids);
        if rows.len() < 200 {
            break;
        }
    }
    Ok(all)
}

/// Chance that is the same in every run (`SplitMix64`).
pub(super) struct Dice(u64);

impl Dice {
    /// What is thrown for thing number `number`.
    pub(super) fn of(number: u64) -> Self {
        let mut dice = Self(number);
        Self(dice.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 up to, and without, `count`.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        self.next() % count.max(1)
    }

    /// The same, and twice as large is half as likely, as words are.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number that is smaller than `count`"
    )]
    pub(super) fn often_small(&mut self, count: u64) -> u64 {
        let share = self.below(1 << 53) as f64 / (1_u64 << 53) as f64;
        ((count as f64).powf(share) as u64).clamp(1, count) - 1
    }

    pub(super) fn any<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let at = self.below(of.len() as u64);
        of.get(usize::try_from(at).unwrap_or(0))
    }

    fn text(&mut self, words: usize) -> String {
        let words: Vec<String> = (0..words).map(|_| word(self.often_small(WORDS))).collect();
        words.join(" ")
    }
}

/// The word of that rank.
pub(super) fn word(rank: u64) -> String {
    let at = usize::try_from(rank).unwrap_or(usize::MAX);
    if let Some(frequent) = FREQUENT.get(at) {
        return (*frequent).to_owned();
    }
    let mut rest = rank;
    let mut word = String::new();
    while rest > 0 {
        let syllable = usize::try_from(rest % SYLLABLES.len() as u64).unwrap_or(0);
        word.push_str(SYLLABLES.get(syllable).unwrap_or(&""));
        rest /= SYLLABLES.len() as u64;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Every run finds the same desk, and frequent words stand in most texts.
    #[test]
    fn chance_is_the_same_in_every_run() {
        assert_eq!(Dice::of(7).text(5), Dice::of(7).text(5));
        assert_ne!(Dice::of(7).text(5), Dice::of(8).text(5));
        let with = (0..1_000).filter(|n| Dice::of(*n).text(25).contains("printer")).count();
        assert!((600..950).contains(&with), "{with} of 1,000 texts");
        assert!((0..1_000).all(|n| Dice::of(n).often_small(TAGS) < TAGS));
    }

    #[test]
    fn words_of_different_ranks_are_different() {
        let words: HashSet<String> = (0..WORDS).map(word).collect();
        assert_eq!(words.len() as u64, WORDS);
    }
}
