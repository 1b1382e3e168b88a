//! What is sent: the body, rendered from the stored event, and the headers, signed over its bytes.

use super::{PayloadFormat, sign};
use crate::{db::hops, event::Kind, id::TenantId};
use ::http::{HeaderName, HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A stored event as a delivery needs it; `actor`, `data` and `changes` are JSON text.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) seq: i64,
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) at_ms: i64,
    pub(super) actor: String,
    pub(super) data: String,
    pub(super) changes: Option<String>,
    /// How many webhooks it has come through.
    pub(super) hops: u8,
}

/// The body: B's, or the pair of its "Full example", both with our names beside; or A's alone.
///
/// # Errors
/// For A's, when the event is not about a notification.
pub(super) fn body(
    event: &Stored,
    tenant: TenantId,
    format: PayloadFormat,
) -> serde_json::Result<Vec<u8>> {
    let Stored { seq, id, kind, at_ms, actor, data, changes, .. } = event;
    let timestamp = at_ms / 1000;
    // A kind is a plain word, so nothing here needs escaping.
    let mut text = match format {
        PayloadFormat::Event => format!(
            r#"{{"event":"{kind}","tenant_id":"{tenant}","timestamp":{timestamp},"data":{data}"#
        ),
        PayloadFormat::Message => {
            format!(r#"{{"type":"{kind}","payload":{data},"timestamp":{timestamp}"#)
        }
        PayloadFormat::Notification => return notification(data),
    };
    text.push_str(&format!(r#","id":"{id}","seq":{seq},"actor":{actor}"#));
    if let Some(changes) = changes {
        text.push_str(r#","changes":"#);
        text.push_str(changes);
    }
    text.push('}');
    Ok(text.into_bytes())
}

/// The six fields of a notification that A's receivers know, in A's order.
#[derive(Serialize, Deserialize)]
struct Six<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow, rename = "type")]
    kind: &'a RawValue,
    #[serde(borrow)]
    message: &'a RawValue,
    #[serde(borrow)]
    related_id: &'a RawValue,
    #[serde(borrow)]
    related_type: &'a RawValue,
    #[serde(borrow)]
    created_at: &'a RawValue,
}

/// A's body of what an event tells: the notification, and the entity it speaks of.
fn notification(data: &str) -> serde_json::Result<Vec<u8>> {
    #[derive(Deserialize)]
    struct Entity<'a> {
        #[serde(borrow)]
        entity: &'a RawValue,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        event: &'a str,
        notification: Six<'a>,
        data: &'a RawValue,
    }
    let notification: Six<'_> = serde_json::from_str(data)?;
    let Entity { entity: data } = serde_json::from_str(data)?;
    let event = Kind::NotificationCreated;
    serde_json::to_vec(&Body { event: event.name(), notification, data })
}

/// What the headers name beside the event.
pub(super) struct Named<'a> {
    pub(super) endpoint: i64,
    pub(super) tenant: TenantId,
    pub(super) delivery: i64,
    pub(super) attempt: u32,
    pub(super) now_s: i64,
    pub(super) keys: &'a [sign::SigningKey],
    /// Headers of the endpoint's own.
    pub(super) custom: &'a [(HeaderName, HeaderValue)],
}

/// The headers of an attempt, both signature families among them.
pub(super) fn headers(
    event: &Stored,
    named: &Named<'_>,
    body: &[u8],
) -> Vec<(HeaderName, HeaderValue)> {
    let plain = named.keys.first().map(|key| sign::plain(key, body)).unwrap_or_default();
    let standard = sign::standard(named.keys, &event.id, named.now_s, body);
    let text = |name: &'static str, value: String| {
        HeaderValue::try_from(value).ok().map(|v| (HeaderName::from_static(name), v))
    };
    let number =
        |name: &'static str, value: i64| (HeaderName::from_static(name), HeaderValue::from(value));
    let mut headers = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        number("x-webhook-id", named.endpoint),
        number("x-webhook-delivery", named.delivery),
        number("x-webhook-attempt", i64::from(named.attempt)),
        number("x-webhook-seq", event.seq),
        number("webhook-timestamp", named.now_s),
        (HeaderName::from_static(hops::HEADER), HeaderValue::from(u16::from(event.hops) + 1)),
    ];
    headers.extend(text("x-webhook-signature", plain));
    headers.extend(text("x-tenant-id", named.tenant.to_string()));
    headers.extend(text("x-webhook-event", event.kind.clone()));
    headers.extend(text("webhook-id", event.id.clone()));
    headers.extend(text("webhook-signature", standard));
    headers.extend_from_slice(named.custom);
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// Both formats are JSON with the keys that the contract names.
    #[test]
    fn bodies_have_the_keys_of_the_contract() {
        let event = Stored {
            seq: 7,
            id: "0192a5a0-0000-7000-8000-000000000001".into(),
            kind: "agent.state.changed".into(),
            at_ms: 1_729_866_000_999,
            actor: r#"{"id":null,"name":"A \"B\"","kind":"user"}"#.into(),
            data: r#"{"state":"away"}"#.into(),
            changes: Some(r#"{"state":["available","away"]}"#.into()),
            hops: 0,
        };
        let tenant = TenantId(Uuid::nil());
        let parsed = |format| -> serde_json::Value {
            serde_json::from_slice(&body(&event, tenant, format).unwrap()).unwrap()
        };
        let b = parsed(PayloadFormat::Event);
        assert_eq!(
            (b["event"].as_str(), b["timestamp"].as_i64()),
            (Some("agent.state.changed"), Some(1_729_866_000))
        );
        assert_eq!((&b["data"]["state"], &b["seq"]), (&"away".into(), &7.into()));
        assert_eq!(b["tenant_id"], tenant.to_string());
        let m = parsed(PayloadFormat::Message);
        assert_eq!(
            (&m["type"], &m["payload"]["state"]),
            (&"agent.state.changed".into(), &"away".into())
        );
        assert_eq!(m["changes"]["state"][0], "available");
        assert!(m.get("tenant_id").is_none());
    }

    /// A's body has A's keys in A's order, and nothing else of what the event knows.
    #[test]
    fn a_notification_is_rendered_to_the_letter() {
        let event = Stored {
            seq: 8,
            id: "0192a5a0-0000-7000-8000-000000000002".into(),
            kind: "notification.created".into(),
            at_ms: 0,
            actor: "{}".into(),
            data: concat!(
                r#"{"id":"n1","tenant_id":"t","user_id":"u","type":"ticket_updated","#,
                r#""message":"Your ticket was updated","related_id":"k","related_type":"ticket","#,
                r#""created_at":"2025-11-17T12:00:00.000Z","why":"…","entity":{"z":1,"a":"é"}}"#
            )
            .into(),
            changes: None,
            hops: 0,
        };
        let made = body(&event, TenantId(Uuid::nil()), PayloadFormat::Notification).unwrap();
        let expected = concat!(
            r#"{"event":"notification.created","notification":{"id":"n1","#,
            r#""type":"ticket_updated","message":"Your ticket was updated","related_id":"k","#,
            r#""related_type":"ticket","created_at":"2025-11-17T12:00:00.000Z"},"#,
            r#""data":{"z":1,"a":"é"}}"#
        );
        assert_eq!(String::from_utf8(made).unwrap(), expected);
        let other = Stored { data: r#"{"state":"away"}"#.into(), ..event };
        assert!(body(&other, TenantId(Uuid::nil()), PayloadFormat::Notification).is_err());
    }
}
