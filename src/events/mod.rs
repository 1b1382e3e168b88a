//! The log seen from outside: publishing custom events, reading what one may hear, the catalogue.

pub mod http;
pub mod journey;
mod sql;
pub mod types;

use crate::{
    db::Say,
    error::{Checks, Error, Result},
    event::{Actor, Audience, Kind, Room},
    id::{TenantId, UserId},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

/// Largest `data` of a published event, bytes.
pub const DATA_MAX: usize = 256 << 10;

/// Most events in one batch.
pub const BATCH_MAX: usize = 100;

/// What `POST /events` takes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// A custom type, `order.paid`.
    #[serde(rename = "type")]
    kind: String,
    /// A JSON object; sent on as it is.
    data: Box<RawValue>,
    /// Where it is heard: `tenant` (default), `everyone`, `role:…`, `user:…`, or a topic.
    room: Option<String>,
    /// Short for `room: "user:<id>", audience: "user:<id>"`.
    user_id: Option<UserId>,
    /// `staff` (default), `everyone` or `user:<id>`.
    audience: Option<String>,
}

/// A request to publish that was found good.
#[derive(Debug, Clone)]
pub struct Publication {
    kind: Kind,
    data: Box<RawValue>,
    room: Room,
    audience: Audience,
}

impl Publish {
    /// Checks everything that needs no database; answers also the data as it was read. `at` goes
    /// before field names (`events[3].`).
    ///
    /// # Errors
    /// 422 naming the fields; `reserved_type` for a built-in's first segment.
    pub fn check(&self, at: &str) -> Result<(Publication, Value)> {
        let mut checks = Checks::new();
        if Kind::is_well_formed(&self.kind) {
            if Kind::is_reserved(&self.kind) {
                return Err(Error::Refused {
                    code: "reserved_type",
                    field: format!("{at}type"),
                    message: format!(
                        "`{}` belongs to Deskbell itself: choose another first word",
                        self.kind
                    ),
                });
            }
        } else {
            checks.fail(
                format!("{at}type"),
                "must be two to four words of a-z, 0-9 and _ joined by dots, at most 64 characters",
            );
        }
        let data = self.data.get();
        checks.check(data.starts_with('{'), &format!("{at}data"), "must be a JSON object");
        checks.check(data.len() <= DATA_MAX, &format!("{at}data"), "is larger than 256 KiB");
        // What is stored is sent on as it is, so it must be what every reader takes: no half of a
        // surrogate pair, no number beyond a double, no more than 127 levels.
        let read = serde_json::from_str::<Value>(data).unwrap_or_else(|why| {
            checks.fail(format!("{at}data"), format!("cannot be read by everybody: {why}"));
            Value::Null
        });
        let (room, audience) = self.whereto(at, &mut checks);
        checks.done()?;
        let kind = Kind::Custom(self.kind.as_str().into());
        Ok((Publication { kind, data: self.data.clone(), room, audience }, read))
    }

    fn whereto(&self, at: &str, checks: &mut Checks) -> (Room, Audience) {
        let mut room = Room::Tenant;
        let mut audience = Audience::Staff;
        if let Some(user) = self.user_id {
            room = Room::User(user);
            audience = Audience::User(user);
            let alone = self.room.is_none() && self.audience.is_none();
            checks.check(alone, &format!("{at}user_id"), "goes without room and audience");
            return (room, audience);
        }
        if let Some(text) = &self.room {
            match text.parse() {
                Ok(Room::Nowhere) | Err(()) => checks.fail(
                    format!("{at}room"),
                    "must be tenant, everyone, board, role:…, user:…, ticket:…, chat:… or queue:…",
                ),
                Ok(known) => room = known,
            }
        }
        match (&self.audience, &room) {
            (Some(text), _) => match text.parse() {
                Ok(Audience::Participants) | Err(()) => {
                    checks.fail(format!("{at}audience"), "must be staff, everyone or user:<id>");
                }
                Ok(known) => audience = known,
            },
            (None, Room::Everyone) => audience = Audience::Everyone,
            (None, Room::User(user)) => audience = Audience::User(*user),
            (None, _) => {}
        }
        (room, audience)
    }
}

impl Publication {
    /// The name of its type.
    pub fn name(&self) -> &str {
        self.kind.name()
    }

    /// The users it names, who must exist in the tenant.
    pub fn users(&self) -> impl Iterator<Item = UserId> {
        let heard = if let Audience::User(user) = self.audience { Some(user) } else { None };
        let room = if let Room::User(user) = self.room { Some(user) } else { None };
        heard.into_iter().chain(room)
    }

    /// As something to say.
    ///
    /// # Errors
    /// Never in practice: the data is JSON already.
    pub fn say(&self, tenant: TenantId, by: Actor) -> Result<Say> {
        let say = Say::new(tenant, self.kind.clone(), &self.data)?;
        Ok(say.by(by).room(self.room.clone()).audience(self.audience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::from_json;

    fn told(body: &str) -> String {
        match from_json::<Publish>(body.as_bytes()).and_then(|p| p.check("")) {
            Ok((p, _)) => format!("{} {}", p.room, p.audience),
            Err(Error::Invalid(fields)) => fields[0].field.clone(),
            Err(Error::Refused { code, .. }) => code.into(),
            Err(e) => panic!("{e:?}"),
        }
    }

    fn nested(levels: usize) -> String {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"type":"a.b","data":{{"x":{open}{close}}}}}"#)
    }

    /// What is asked for is understood, or the field is named.
    #[test]
    fn publications_are_checked() {
        let user = "0192a5a0-0000-7000-8000-000000000001";
        let table = [
            (r#"{"type":"a.b","data":{}}"#.into(), "tenant staff".into()),
            (
                r#"{"type":"a.b","data":{"x":[1,2]},"room":"everyone"}"#.into(),
                "everyone everyone".into(),
            ),
            (r#"{"type":"a.b","data":{},"room":"role:admin"}"#.into(), "role:admin staff".into()),
            (
                format!(r#"{{"type":"a.b","data":{{}},"user_id":"{user}"}}"#),
                format!("user:{user} user:{user}"),
            ),
            (
                format!(r#"{{"type":"a.b","data":{{}},"audience":"user:{user}"}}"#),
                format!("tenant user:{user}"),
            ),
            (r#"{"type":"ticket.created","data":{}}"#.into(), "reserved_type".into()),
            (r#"{"type":"call.forged","data":{}}"#.into(), "reserved_type".into()),
            (r#"{"type":"plain","data":{}}"#.into(), "type".into()),
            (r#"{"type":"a.b","data":[]}"#.into(), "data".into()),
            (r#"{"type":"a.b","data":null}"#.into(), "data".into()),
            (r#"{"type":"a.b","data":{"s":"\ud800"}}"#.into(), "data".into()),
            (r#"{"type":"a.b","data":{"n":1e999}}"#.into(), "data".into()),
            (nested(200), "data".into()),
            (nested(100), "tenant staff".into()),
            (r#"{"type":"a.b"}"#.into(), "data".into()),
            (r#"{"type":"a.b","data":{},"room":"nowhere"}"#.into(), "room".into()),
            (r#"{"type":"a.b","data":{},"room":"kitchen"}"#.into(), "room".into()),
            (r#"{"type":"a.b","data":{},"audience":"participants"}"#.into(), "audience".into()),
            (r#"{"type":"a.b","data":{},"user_id":"me"}"#.into(), "user_id".into()),
            (
                format!(r#"{{"type":"a.b","data":{{}},"user_id":"{user}","room":"tenant"}}"#),
                "user_id".into(),
            ),
            (r#"{"type":"a.b","data":{},"seq":7}"#.into(), "seq".into()),
        ];
        for (body, expected) in table {
            let (body, expected): (String, String) = (body, expected);
            assert_eq!(told(&body), expected, "{body}");
        }
    }
}
