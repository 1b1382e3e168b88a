//! Events as Socket.IO clients get them: each under its own name, notifications as seed A has them.

use super::{
    namespaces::{event, leave},
    packet::message::ROOT,
};
use crate::{
    event::{Dialect, Envelope, Kind},
    hub::{Close, Tongue},
    time,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// How Socket.IO clients are spoken to.
pub(super) struct SocketTongue {
    /// The epoch, for clients that want the offset of each event as its last argument.
    pub(super) epoch: Option<Box<str>>,
}

impl Tongue for SocketTongue {
    fn dialect(&self) -> Dialect {
        if self.epoch.is_some() { Dialect::SocketIoOffset } else { Dialect::SocketIo }
    }

    fn event(&self, e: &Envelope) -> Bytes {
        let mut text = String::with_capacity(256 + e.data.get().len() + e.actor.get().len());
        if e.kind == Kind::NotificationCreated {
            notification(&mut text, e);
        } else {
            plain(&mut text, e);
        }
        if let Some(epoch) = &self.epoch {
            let _never = write!(text, r#","{}""#, offset(epoch, e.seq));
        }
        text.push(']');
        event(ROOT, &text, &[])
    }

    fn sign(&self, name: &str, payload: &str) -> Bytes {
        event(ROOT, &format!(r#"["{name}",{payload}]"#), &[])
    }

    /// None: the session below has its own heartbeat.
    fn ping(&self) -> Option<Bytes> {
        None
    }

    /// A client that may not come back with the same credentials is told that it has left, so that
    /// it does not try; any other sees a broken line, and does.
    fn farewell(&self, why: Close) -> Bytes {
        if why.may_return() { Bytes::new() } else { leave(ROOT) }
    }
}

/// The name of a place in the log, as clients give it back: `<epoch>-<seq>`.
pub(super) fn offset(epoch: &str, seq: i64) -> String {
    format!("{epoch}-{seq}")
}

/// `["ticket.updated",{…}` without the end. Writing into a String cannot fail, and kinds need no
/// escaping.
fn plain(text: &mut String, e: &Envelope) {
    let changes = e.changes.as_deref().map_or("null", RawValue::get);
    let (kind, seq, id, at) = (&e.kind, e.seq, e.id, time::rfc3339(e.at_ms));
    let _never = write!(
        text,
        r#"["{kind}",{{"seq":{seq},"id":"{id}","type":"{kind}","created_at":"{at}","data":{},"#,
        e.data
    );
    let _never = write!(text, r#""actor":{},"changes":{changes}}}"#, e.actor);
}

/// What there is in a notification's `data`; whatever is missing is `null`.
#[derive(Default, Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    related_id: Option<&'a RawValue>,
    #[serde(borrow)]
    related_type: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow)]
    entity: Option<&'a RawValue>,
}

/// Seed A's body `{event, notification, data}` with the fields of `notification` at top level too,
/// because A's own pages read them there, and the `seq` to resume from.
fn notification(text: &mut String, e: &Envelope) {
    let told: Told<'_> = serde_json::from_str(e.data.get()).unwrap_or_default();
    let json = |field: Option<&RawValue>| field.map_or("null", RawValue::get).to_owned();
    let six = format!(
        r#""id":{},"type":{},"message":{},"related_id":{},"related_type":{},"created_at":{}"#,
        json(told.id),
        json(told.kind),
        json(told.message),
        json(told.related_id),
        json(told.related_type),
        json(told.created_at),
    );
    let _never = write!(
        text,
        r#"["notification",{{"event":"{}","notification":{{{six}}},"data":{},{six},"seq":{}}}"#,
        e.kind,
        json(told.entity),
        e.seq
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Audience, Frames, Room},
        id::TenantId,
        ws::wire::{Framed, unframe},
    };
    use serde_json::{Value, json};
    use uuid::Uuid;

    fn said(tongue: &SocketTongue, kind: Kind, data: &Value) -> Value {
        let raw = |json: &Value| RawValue::from_string(json.to_string()).unwrap();
        let event = Envelope {
            seq: 4712,
            id: Uuid::from_u128(7),
            tenant: TenantId(Uuid::nil()),
            kind,
            audience: Audience::Staff,
            named: Box::default(),
            room: Room::Tenant,
            at_ms: 1_729_866_000_123,
            data: raw(data),
            changes: Some(raw(&json!({ "status": ["open", "closed"] }))),
            actor: raw(&json!({ "name": "Ann" })),
            frames: Frames::default(),
        };
        let bytes = tongue.event(&event);
        match unframe(&bytes)[..] {
            [Framed::Text(text)] => serde_json::from_str(text.strip_prefix("42").unwrap()).unwrap(),
            ref other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_goes_out_under_its_own_name() {
        let data = json!({ "id": "t", "subject": "a \"quoted\" word" });
        let argument = json!({
            "seq": 4712, "id": Uuid::from_u128(7), "type": "ticket.updated",
            "created_at": "2024-10-25T14:20:00.123Z", "data": data, "actor": { "name": "Ann" },
            "changes": { "status": ["open", "closed"] },
        });
        let plain = SocketTongue { epoch: None };
        assert_eq!(said(&plain, Kind::TicketUpdated, &data), json!(["ticket.updated", argument]));
        let recovering = SocketTongue { epoch: Some("e1".into()) };
        let with_offset = json!(["ticket.updated", argument, "e1-4712"]);
        assert_eq!(said(&recovering, Kind::TicketUpdated, &data), with_offset);
        assert_ne!(plain.dialect(), recovering.dialect());
    }

    /// Both ways in which seed A's pages read a notification find what they look for.
    #[test]
    fn a_notification_is_seed_a_s_body_with_its_fields_on_top() {
        let six = json!({
            "id": "n", "type": "ticket_updated", "message": "Your ticket was updated",
            "related_id": "t", "related_type": "ticket", "created_at": "2024-10-25T14:20:00.123Z",
        });
        let mut data = six.clone();
        data["entity"] = json!({ "id": "t", "subject": "Printer" });
        data["reason"] = json!("requester");
        let mut argument = six.clone();
        argument["event"] = json!("notification.created");
        argument["notification"] = six;
        argument["data"] = data["entity"].clone();
        argument["seq"] = json!(4712);
        let said = said(&SocketTongue { epoch: None }, Kind::NotificationCreated, &data);
        assert_eq!(said, json!(["notification", argument]));
    }

    #[test]
    fn a_notification_without_its_fields_is_still_one() {
        for data in [json!({}), json!([1]), json!("text"), json!({ "id": 7, "entity": null })] {
            let said = said(&SocketTongue { epoch: None }, Kind::NotificationCreated, &data);
            assert_eq!(said[0], "notification");
            assert_eq!(said[1]["data"], Value::Null);
            assert_eq!(said[1]["notification"]["message"], Value::Null);
        }
    }

    #[test]
    fn only_who_may_come_back_is_left_to_try() {
        let tongue = SocketTongue { epoch: None };
        assert!(tongue.farewell(Close::Restart).is_empty());
        assert_eq!(unframe(&tongue.farewell(Close::Disabled)), [Framed::Text("41")]);
    }
}
