//! One worker: takes a job, makes the attempt, hands in what came of it.

use super::{
    Engine, Now, Parts,
    lane::{Attempted, Job, Whereto},
    outcomes,
};
use crate::webhooks::{
    bin, inbox,
    post::{Outcome, Request},
    render::{self, Named},
};
use http::{HeaderName, HeaderValue};

pub(super) fn run(engine: &Engine) {
    let clock = engine.db.clock();
    while let Some((job, turn)) = engine.board.next(clock) {
        let attempted = attempt(engine, &job);
        if engine.board.done(turn, attempted, Now::of(clock)) {
            engine.owed.ring(&[]);
        }
    }
}

/// One POST of a delivery. Blocks for as long as it takes.
pub(in crate::webhooks) fn attempt(engine: &Parts, job: &Job) -> Attempted {
    let Job { whereto, delivery, attempts, attempts_before, event, key } = job;
    let number = attempts + 1;
    let at_ms = engine.db.clock().now_ms();
    let now_s = at_ms / 1000;
    let outcome = match render::body(event, whereto.tenant, whereto.format) {
        Err(e) => Outcome::not_sent(format!("the event cannot be put into its format: {e}")),
        Ok(body) => {
            let named = Named {
                endpoint: whereto.endpoint,
                tenant: whereto.tenant,
                delivery: *delivery,
                attempt: number,
                now_s,
                keys: &whereto.keys.live(at_ms),
                custom: &whereto.headers,
            };
            let headers = render::headers(event, &named, &body);
            send(engine, whereto, &headers, &body)
        }
    };
    let mut attempted = Attempted {
        endpoint: whereto.endpoint,
        delivery: *delivery,
        number,
        at_ms,
        outcome,
        by_hand: false,
        again_in: None,
        rest: std::time::Duration::ZERO,
        key: *key,
        is_of_webhooks: event.kind.starts_with("webhook."),
    };
    if !attempted.is_good() {
        let now_ms = engine.db.clock().now_ms();
        let tries = (number.saturating_sub(*attempts_before), whereto.retry_count);
        let chance = (now_ms, random());
        let next = outcomes::after(&engine.schedule, &attempted.outcome, tries, chance);
        (attempted.again_in, attempted.rest) = (next.again_in, next.rest);
    }
    attempted
}

/// Brings it to where it goes: to an address, or to the receiver or a bin inside.
fn send(
    engine: &Parts,
    whereto: &Whereto,
    headers: &[(HeaderName, HeaderValue)],
    body: &[u8],
) -> Outcome {
    match &whereto.target {
        _ if whereto.inside => inbox::deliver(engine, headers, body),
        Err(refused) => Outcome::refused(refused.clone()),
        Ok(target) => {
            if let Some(id) = target.bin() {
                return bin::deliver(engine, (whereto, id), headers, body);
            }
            let timeout = whereto.timeout;
            engine.poster.post(&Request { target, headers, body, timeout })
        }
    }
}

/// For jitter; without randomness everybody waits the same, which is no harm.
fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX / 2)
}
