//! Who writes while everything breaks, and knows of each event that it is in the log once.

use super::{ask::ask, link::Link, scene::Scene};
use crate::crash::Dice;
use serde_json::{Value, json};

/// Most events of one batch; the server takes up to 100.
const BATCH_MAX: u64 = 30;

/// Whom an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    /// The staff of the tenant.
    Tenant,
    /// Everybody in it.
    Everyone,
    /// The one customer who listens.
    Customer,
    /// The one of the staff who listens.
    Agent,
}

/// An event that the server said it has.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    pub(crate) seq: i64,
    pub(crate) mark: String,
    pub(crate) whom: Whom,
}

/// One who writes.
pub(crate) struct Writer {
    pub(crate) name: usize,
    pub(crate) link: Link,
    pub(crate) token: String,
    pub(crate) agent: String,
    pub(crate) customer: String,
    pub(crate) dice: Dice,
}

impl Writer {
    /// Writes so many events, singly and in batches; answers what the server said of each.
    pub(crate) fn write(mut self, scene: &Scene, events: usize) -> Vec<Acknowledged> {
        let mut all = Vec::new();
        while all.len() < events {
            let batch = if self.dice.roll(2) == 0 { 1 } else { self.dice.roll(BATCH_MAX) + 1 };
            let batch = usize::try_from(batch).unwrap().min(events - all.len());
            let made: Vec<(String, Whom)> = (0..batch)
                .map(|n| (format!("{}-{}", self.name, all.len() + n), self.whom()))
                .collect();
            let seqs = self.say(&made);
            assert_eq!(seqs.len(), made.len());
            scene.note_acknowledged(made.len());
            let said = seqs.into_iter().zip(made);
            all.extend(said.map(|(seq, (mark, whom))| Acknowledged { seq, mark, whom }));
        }
        all
    }

    fn whom(&mut self) -> Whom {
        match self.dice.roll(5) {
            0 => Whom::Everyone,
            1 => Whom::Customer,
            2 => Whom::Agent,
            _ => Whom::Tenant,
        }
    }

    /// Says these until the server answers that it has them, under the same key each time.
    fn say(&self, made: &[(String, Whom)]) -> Vec<i64> {
        let events: Vec<Value> = made.iter().map(|(mark, whom)| self.event(mark, *whom)).collect();
        let (path, body) = match &events[..] {
            [one] => ("/api/v1/events", one.clone()),
            all => ("/api/v1/events/batch", json!({ "events": all })),
        };
        let (bearer, key) = (format!("Bearer {}", self.token), &made[0].0);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        let body = body.to_string();
        loop {
            match ask(self.link.address, &format!("POST {path}"), &headers, &body) {
                Ok((201, answer)) => {
                    let answer: Value = serde_json::from_str(&answer).expect("JSON");
                    let said = match &answer["data"] {
                        Value::Array(all) => all.clone(),
                        one => vec![one.clone()],
                    };
                    return said.iter().map(|one| one["seq"].as_i64().expect("a seq")).collect();
                }
                // It starts or stops; or the line broke and nobody knows what became of it.
                Ok((503, _)) | Err(_) => {}
                Ok((status, answer)) => panic!("{status} {answer}"),
            }
        }
    }

    fn event(&self, mark: &str, whom: Whom) -> Value {
        let mut event = json!({ "type": "chaos.step", "data": { "mark": mark } });
        match whom {
            Whom::Tenant => {}
            Whom::Everyone => event["room"] = json!("everyone"),
            Whom::Customer => event["user_id"] = json!(self.customer),
            Whom::Agent => event["user_id"] = json!(self.agent),
        }
        event
    }
}
