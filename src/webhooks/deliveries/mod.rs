//! One delivery as people look after it: what became of it, once more, and no more.
//!
//! All of it is compare-and-set on the delivery's one row, so that a person and the schedule never
//! send the same thing at the same time: what a person asks for is only due sooner.

pub mod http;
pub mod journey;
pub(super) mod sql;

use super::engine::Whereto;
use crate::{
    error::{Error, Result},
    event::Kind,
    time,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Attempts shown of one delivery, the newest.
const ATTEMPTS_MAX: i64 = 100;

/// A delivery as it is stored, with what is known of its event.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    id: i64,
    webhook_id: i64,
    event: String,
    event_id: String,
    seq: i64,
    state: String,
    attempt: u32,
    /// Whether the event still has its data, so that it can be sent again.
    data_kept: bool,
    #[serde(serialize_with = "time::as_rfc3339")]
    created_at: i64,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    next_attempt_at: Option<i64>,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    ended_at: Option<i64>,
    #[serde(skip)]
    is_active: bool,
    #[serde(skip)]
    url: String,
}

/// What an attempt of it would send now; signatures and credentials are left out.
#[derive(Debug, Serialize)]
pub struct Sent {
    url: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// A delivery with all there is to see of it.
#[derive(Debug, Serialize)]
pub struct Shown {
    #[serde(flatten)]
    delivery: Delivery,
    /// None once the event's data is gone.
    request: Option<Sent>,
    attempts: Vec<sql::Attempt>,
}

impl Delivery {
    /// Whether it may be sent again because somebody says so.
    ///
    /// # Errors
    /// 409 with the reason: a test, a paused webhook, data that is gone, delivered and not forced.
    fn may_go_again(&self, force: bool) -> Result<()> {
        if self.event == Kind::WebhookTest.name() {
            let why = "a test is made once: send another one";
            return Err(Error::conflict("test_delivery", why));
        }
        if self.state == "delivered" && !force {
            let why = "it was delivered: say `force` to send it again";
            return Err(Error::conflict("already_delivered", why));
        }
        if !self.data_kept {
            return Err(Error::conflict("data_gone", "the event's data is no longer kept"));
        }
        if !self.is_active {
            let why = "the webhook is paused: resume it first";
            return Err(Error::conflict("webhook_paused", why));
        }
        Ok(())
    }

    fn may_be_cancelled(&self) -> Result<()> {
        if self.is_open() {
            return Ok(());
        }
        Err(Error::conflict("already_ended", format!("it has ended: {}", self.state)))
    }

    fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "waiting" | "held")
    }
}

/// The headers of an attempt without what proves who sent it.
fn shown_headers(
    whereto: &Whereto,
    made: Vec<(::http::HeaderName, ::http::HeaderValue)>,
) -> BTreeMap<String, String> {
    let own = |name: &::http::HeaderName| whereto.headers.iter().any(|(own, _)| own == name);
    let shown = made.into_iter().filter(|(name, _)| !name.as_str().ends_with("-signature"));
    let pair = |(name, value): (::http::HeaderName, ::http::HeaderValue)| {
        let text = if own(&name) { super::headers::HIDDEN } else { value.to_str().unwrap_or("") };
        (name.to_string(), text.to_owned())
    };
    shown.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(state: &str) -> Delivery {
        Delivery {
            id: 1,
            webhook_id: 1,
            event: "order.paid".into(),
            event_id: String::new(),
            seq: 1,
            state: state.into(),
            attempt: 0,
            data_kept: true,
            created_at: 0,
            next_attempt_at: None,
            ended_at: None,
            is_active: true,
            url: String::new(),
        }
    }

    fn code(result: Result<()>) -> &'static str {
        match result {
            Ok(()) => "",
            Err(Error::Conflict { code, .. }) => code,
            Err(e) => panic!("{e:?}"),
        }
    }

    #[test]
    fn each_state_says_whether_it_may_be_sent_again_or_cancelled() {
        for (state, again, forced, cancelled) in [
            ("waiting", "", "", ""),
            ("held", "", "", ""),
            ("failed", "", "", "already_ended"),
            ("expired", "", "", "already_ended"),
            ("cancelled", "", "", "already_ended"),
            ("delivered", "already_delivered", "", "already_ended"),
        ] {
            let one = delivery(state);
            assert_eq!(code(one.may_go_again(false)), again, "{state}");
            assert_eq!(code(one.may_go_again(true)), forced, "{state}");
            assert_eq!(code(one.may_be_cancelled()), cancelled, "{state}");
        }
        let paused = Delivery { is_active: false, ..delivery("failed") };
        assert_eq!(code(paused.may_go_again(true)), "webhook_paused");
        let gone = Delivery { data_kept: false, ..delivery("failed") };
        assert_eq!(code(gone.may_go_again(true)), "data_gone");
        let test = Delivery { event: "webhook.test".into(), ..delivery("failed") };
        assert_eq!(code(test.may_go_again(true)), "test_delivery");
    }
}
