//! Posts events to a URL of the person at the terminal, as a webhook would.

use super::Event;
use crate::{
    cli::shown::plain,
    exit::{Exit, Failure},
    time,
    webhooks::{
        address::{Guard, Target},
        post::{self, Outcome, Poster, Request},
        sign::{self, SigningKey},
    },
};
use ::http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use std::{cell::RefCell, sync::Arc, time::Duration};

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where to post, and how to sign.
pub(super) struct Forward {
    target: Target,
    poster: Poster,
    key: SigningKey,
    secret: String,
    tenant: RefCell<Option<String>>,
}

/// What came of one event.
pub(super) struct Sent(Outcome);

/// B's body, as a webhook sends it.
#[derive(Serialize)]
struct Body<'a> {
    event: &'a str,
    tenant_id: Option<&'a str>,
    timestamp: i64,
    data: &'a RawValue,
    id: &'a str,
    seq: i64,
    actor: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<&'a RawValue>,
}

impl Forward {
    /// To a URL, or to what is short for one: `9000`, `localhost:9000/hook`.
    ///
    /// # Errors
    /// For what is none, and for a secret that cannot sign.
    pub(super) fn new(url: &str, secret: Option<&str>) -> Result<Self, Failure> {
        let usage = |why: String| Failure::new(Exit::Usage, why);
        // The person at this terminal may call what they can reach; metadata services stay closed.
        let guard = Guard::new("0.0.0.0/0,::/0").map_err(|e| usage(e.to_string()))?;
        let guard = Arc::new(guard.with_loopback(true));
        let url = whole(url);
        let target =
            guard.parse_url(&url).map_err(|why| usage(format!("--forward {url} {why}")))?;
        let poster = Poster::new(guard, &post::Settings::default())
            .map_err(|e| Failure::new(Exit::Failed, e.to_string()))?;
        let secret = match secret {
            Some(secret) => secret.to_owned(),
            None => {
                sign::generate_secret().map_err(|e| Failure::new(Exit::Failed, e.to_string()))?
            }
        };
        let key = SigningKey::new(&secret).map_err(|why| usage(format!("--secret {why}")))?;
        Ok(Self { target, poster, key, secret, tenant: RefCell::default() })
    }

    /// Names the tenant that is listened to; a program's token does not know it.
    pub(super) fn of(&self, tenant: Option<String>) {
        *self.tenant.borrow_mut() = tenant.filter(|tenant| !tenant.is_empty());
    }

    /// Where to.
    pub(super) fn url(&self) -> String {
        self.target.uri().to_string()
    }

    /// What signs.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Posts one event and waits for the answer.
    pub(super) fn send(&self, event: &Event) -> Sent {
        let tenant = self.tenant.borrow();
        let at_ms = time::parse_rfc3339(&event.created_at).unwrap_or_default();
        let body = Body {
            event: &event.kind,
            tenant_id: tenant.as_deref(),
            timestamp: at_ms.div_euclid(1000),
            data: &event.data,
            id: &event.id,
            seq: event.seq,
            actor: &event.actor,
            changes: event.changes.as_deref(),
        };
        let body = match serde_json::to_vec(&body) {
            Ok(body) => body,
            Err(e) => return Sent(Outcome::not_sent(e.to_string())),
        };
        let headers = self.headers(event, tenant.as_deref(), &body);
        let request =
            Request { target: &self.target, headers: &headers, body: &body, timeout: TIMEOUT };
        Sent(self.poster.post(&request))
    }

    /// Those of a delivery; the webhook's number is 0, which none has.
    fn headers(
        &self,
        event: &Event,
        tenant: Option<&str>,
        body: &[u8],
    ) -> Vec<(HeaderName, HeaderValue)> {
        let now_s = time::Clock::default().now_ms() / 1000;
        let standard = sign::standard(std::slice::from_ref(&self.key), &event.id, now_s, body);
        let texts = [
            ("x-webhook-signature", sign::plain(&self.key, body)),
            ("x-webhook-id", String::from("0")),
            ("x-tenant-id", tenant.unwrap_or_default().to_owned()),
            ("x-webhook-event", event.kind.clone()),
            ("x-webhook-delivery", event.seq.to_string()),
            ("x-webhook-attempt", String::from("1")),
            ("x-webhook-seq", event.seq.to_string()),
            ("webhook-id", event.id.clone()),
            ("webhook-timestamp", now_s.to_string()),
            ("webhook-signature", standard),
        ];
        let json = HeaderValue::from_static("application/json");
        let mut headers = vec![(header::CONTENT_TYPE, json)];
        headers.extend(texts.into_iter().filter(|(_, text)| !text.is_empty()).filter_map(
            |(name, text)| Some((HeaderName::from_static(name), HeaderValue::try_from(text).ok()?)),
        ));
        headers
    }
}

/// What is written short, in full.
fn whole(url: &str) -> String {
    if url.contains("://") {
        return url.to_owned();
    }
    let is_port = !url.is_empty() && url.bytes().all(|b| b.is_ascii_digit());
    if is_port { format!("http://127.0.0.1:{url}/") } else { format!("http://{url}") }
}

impl Sent {
    /// In few words.
    pub(super) fn as_text(&self) -> String {
        match &self.0.result {
            Ok(status) => format!("{status} in {} ms", self.0.response_time_ms),
            Err(why) => plain(&why.to_string()),
        }
    }

    /// For programs.
    pub(super) fn as_json(&self) -> Value {
        json!({
            "http_status": self.0.result.as_ref().ok(),
            "response_time_ms": self.0.response_time_ms,
            "error": self.0.result.as_ref().err().map(ToString::to_string),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_address_is_read_in_full_and_a_bad_one_refused() {
        for (short, full) in [
            ("9000", "http://127.0.0.1:9000/"),
            ("localhost:9000/hook", "http://localhost:9000/hook"),
            ("https://a.example/x", "https://a.example/x"),
        ] {
            assert_eq!(Forward::new(short, None).unwrap().url(), full);
        }
        for bad in ["", "ftp://a.example", "http://169.254.169.254/", "localhost:22"] {
            assert_eq!(Forward::new(bad, None).err().unwrap().code, Exit::Usage, "{bad}");
        }
        assert!(Forward::new("9000", Some("")).is_err());
        assert!(Forward::new("9000", None).unwrap().secret().starts_with("whsec_"));
    }
}
