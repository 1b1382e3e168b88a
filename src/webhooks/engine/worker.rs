//! One worker: takes a job, makes the attempt, hands in what came of it.

use super::{
    Engine, Parts,
    lane::{Attempted, Job, Whereto},
};
use crate::webhooks::{
    bin, inbox,
    post::{Outcome, Request},
    render::{self, Named},
};
use http::{HeaderName, HeaderValue};

pub(super) fn run(engine: &Engine) {
    while let Some(job) = engine.board.next() {
        let attempted = attempt(engine, &job);
        if engine.board.done(attempted) {
            engine.owed.ring(&[]);
        }
    }
}

/// One POST of a delivery. Blocks for as long as it takes.
pub(in crate::webhooks) fn attempt(engine: &Parts, job: &Job) -> Attempted {
    let Job { whereto, delivery, attempts, attempts_before, event } = job;
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
    };
    if !attempted.is_good() {
        attempted.again_in = engine.schedule.next(
            number.saturating_sub(*attempts_before),
            whereto.retry_count,
            random(),
        );
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
