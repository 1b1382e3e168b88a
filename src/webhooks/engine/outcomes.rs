//! What an attempt means for what comes next: its class, when the delivery is tried again, and how
//! long the endpoint rests.

use crate::webhooks::{
    post::{Failure, Outcome},
    schedule::{self, Schedule},
};
use std::time::Duration;

/// What attempts are counted by.
pub(in crate::webhooks) const CLASSES: [&str; 10] =
    ["2xx", "3xx", "4xx", "5xx", "timeout", "refused_address", "dns", "connect", "tls", "other"];

/// The place of an outcome among the [`CLASSES`].
pub(super) fn class(outcome: &Outcome) -> usize {
    let word = match &outcome.result {
        Ok(200..=299) => "2xx",
        Ok(300..=399) => "3xx",
        Ok(400..=499) => "4xx",
        Ok(500..=599) => "5xx",
        Ok(_) => "other",
        Err(failure) => failure.word(),
    };
    CLASSES.iter().position(|class| *class == word).unwrap_or(CLASSES.len() - 1)
}

/// Whether the endpoint is to blame: an egress proxy's faults are not the endpoint's.
pub(super) fn is_charged(outcome: &Outcome) -> bool {
    !matches!(outcome.result, Err(Failure::Proxy(_)))
}

/// What comes after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    /// After how long the delivery is tried again; `None` when that was the last time.
    pub(super) again_in: Option<Duration>,
    /// How long the endpoint rests, whatever else is due.
    pub(super) rest: Duration,
}

/// What comes after the `failed`-th attempt of a delivery came to this. `random` moves waits that
/// nobody asked for.
pub(super) fn after(
    schedule: &Schedule,
    outcome: &Outcome,
    (failed, retry_count): (u32, u32),
    (now_ms, random): (i64, u64),
) -> Next {
    let asked = match outcome.result {
        Ok(429 | 503) => outcome.retry_after.as_deref(),
        _ => None,
    };
    let asked = asked
        .and_then(|header| schedule::parse_retry_after(header, now_ms))
        .map(|asked| schedule::clamp_retry_after(asked, schedule.base(failed)));
    let rest = match outcome.result {
        Ok(429 | 502 | 504) | Err(Failure::Timeout(_)) => schedule.rest(failed),
        _ => Duration::ZERO,
    };
    let rest = rest.max(asked.unwrap_or_default());
    if !is_charged(outcome) {
        // As long as the proxy is at fault this goes on: the backlog's bounds end it.
        return Next { again_in: Some(schedule.rest(failed)), rest };
    }
    let again_in =
        schedule.next(failed, retry_count, random).map(|wait| asked.unwrap_or(wait).max(rest));
    Next { again_in, rest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::post::Stage;

    fn outcome(result: Result<u16, Failure>, retry_after: Option<&str>) -> Outcome {
        let retry_after = retry_after.map(String::from);
        Outcome { result, response_time_ms: 0, retry_after, body: String::new() }
    }

    /// Seconds until the delivery is tried again and that the endpoint rests, by what came of which
    /// attempt; 1994-11-06 08:49:37 is 90 s from now.
    #[test]
    fn answers_decide_when_a_delivery_is_tried_again_and_how_long_its_endpoint_rests() {
        const NOW_MS: i64 = 784_111_777_000 - 90_000;
        const DATE: Option<&str> = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let timeout = Err(Failure::Timeout(Stage::Answer));
        let none = Some("soon");
        for (result, header, failed, expected) in [
            (Ok(500), None, 1, (Some(5), 0)),
            (Ok(500), Some("77"), 1, (Some(5), 0)),
            (Ok(302), None, 2, (Some(300), 0)),
            (Ok(410), None, 1, (Some(5), 0)),
            (Err(Failure::Reset), None, 3, (Some(1_800), 0)),
            (Ok(429), None, 1, (Some(60), 60)),
            (Ok(502), None, 2, (Some(300), 60)),
            (Ok(504), None, 1, (Some(60), 60)),
            (timeout.clone(), None, 1, (Some(60), 60)),
            (timeout, None, 4, (None, 60)),
            (Ok(429), Some("120"), 1, (Some(120), 120)),
            (Ok(429), Some("7"), 1, (Some(60), 60)),
            (Ok(503), Some("7"), 1, (Some(7), 7)),
            (Ok(503), Some("1"), 1, (Some(5), 5)),
            (Ok(503), Some("999999"), 1, (Some(3_600), 3_600)),
            (Ok(503), DATE, 1, (Some(90), 90)),
            (Ok(429), DATE, 1, (Some(90), 90)),
            (Ok(503), none, 1, (Some(5), 0)),
            (Ok(503), None, 2, (Some(300), 0)),
            (Ok(429), Some("7200"), 3, (Some(3_600), 3_600)),
            (Err(Failure::Proxy(String::new())), None, 1, (Some(60), 0)),
            (Err(Failure::Proxy(String::new())), None, 9, (Some(60), 0)),
        ] {
            let outcome = outcome(result, header);
            let next = after(&Schedule::default(), &outcome, (failed, 3), (NOW_MS, 200));
            let told = (next.again_in.map(|wait| wait.as_secs()), next.rest.as_secs());
            assert_eq!(told, expected, "{outcome:?}");
        }
    }

    #[test]
    fn every_attempt_is_counted_in_a_class() {
        for (result, expected) in [
            (Ok(204), "2xx"),
            (Ok(301), "3xx"),
            (Ok(404), "4xx"),
            (Ok(599), "5xx"),
            (Ok(999), "other"),
            (Err(Failure::Timeout(Stage::Connect)), "timeout"),
            (Err(Failure::Connect(String::new())), "connect"),
            (Err(Failure::Reset), "other"),
        ] {
            assert_eq!(CLASSES[class(&outcome(result, None))], expected);
        }
        assert!(!is_charged(&outcome(Err(Failure::Proxy(String::new())), None)));
    }
}
