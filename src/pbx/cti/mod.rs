//! What Zammad's generic CTI interface takes, taken by us: any telephone system that can tell
//! Zammad of its calls can tell Deskbell.

pub mod http;
#[cfg(test)]
mod tests;

use super::{Pbx, sql};
use crate::{
    auth::secret,
    calls::{self, Heard, Signal},
    db::Write,
    error::{Checks, Error, Result},
    id::UserId,
};
use serde_json::Value;

/// Longest body, bytes; a longer one is answered 413.
pub const BODY_MAX: usize = 16 << 10;

/// Longest value, characters; of longer ones only the beginning is taken.
const VALUE_MAX: usize = 128;

/// People that one event names; more are not looked up.
const USERS_MAX: usize = 20;

/// Which of three things happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    NewCall,
    Answer,
    Hangup,
}

/// One post, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    event: Event,
    is_inbound: bool,
    call: String,
    from: Option<String>,
    to: Option<String>,
    queue: Option<String>,
    /// Names, e-mail addresses, numbers or extensions of the people whose telephones it is.
    users: Vec<String>,
    answering: Option<String>,
    cause: Option<String>,
}

impl Post {
    /// Reads a form.
    ///
    /// # Errors
    /// 422 naming every wrong field. What is not known is passed over: senders say more than we
    /// need.
    pub fn from_form(body: &[u8]) -> Result<Self> {
        let pairs = form_urlencoded::parse(body);
        let pairs = pairs.map(|(key, value)| (key.into_owned(), value.into_owned()));
        Self::read(&pairs.collect::<Vec<_>>())
    }

    /// Reads JSON; a list is as if its values stood there one by one.
    ///
    /// # Errors
    /// 400 for what is no JSON object, 422 naming every wrong field.
    pub fn from_json(body: &[u8]) -> Result<Self> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Err(Error::Malformed("the body is no JSON object".into()));
        };
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let mut pairs = Vec::new();
        for (key, value) in &fields {
            match value {
                Value::Array(all) => {
                    let all = all.iter().filter_map(text).take(USERS_MAX);
                    pairs.extend(all.map(|value| (key.clone(), value)));
                }
                one => pairs.extend(text(one).map(|value| (key.clone(), value))),
            }
        }
        Self::read(&pairs)
    }

    fn read(pairs: &[(String, String)]) -> Result<Self> {
        let all = |name: &'static str| {
            let named = pairs.iter().filter(move |(key, _)| {
                key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
            });
            named.filter_map(|(_, value)| clean(value))
        };
        let one = |name| all(name).next();
        let mut checks = Checks::new();
        let event = match one("event").as_deref() {
            Some("newCall") => Some(Event::NewCall),
            Some("answer") => Some(Event::Answer),
            Some("hangup") => Some(Event::Hangup),
            _ => None,
        };
        checks.check(event.is_some(), "event", "must be one of newCall, answer, hangup");
        let direction = one("direction");
        let is_inbound = match direction.as_deref() {
            Some("in") => Some(true),
            Some("out") => Some(false),
            _ => None,
        };
        checks.check(is_inbound.is_some(), "direction", "must be in or out");
        let call = pairs.iter().find(|(key, _)| key == "callId").and_then(|(_, id)| name_of(id));
        checks.check(call.is_some(), "callId", "is required");
        checks.done()?;
        let (Some(event), Some(is_inbound), Some(call)) = (event, is_inbound, call) else {
            return Err(Error::Malformed("the body cannot be read".into()));
        };
        Ok(Self {
            event,
            is_inbound,
            call,
            from: one("from"),
            to: one("to"),
            queue: one("queue"),
            users: all("user").take(USERS_MAX).collect(),
            answering: one("answeringNumber"),
            cause: one("cause"),
        })
    }
}

/// The name of a call: the id that it has there, or the SHA-256 of one that is longer than calls
/// are named here. Cut off, two calls could become one.
fn name_of(id: &str) -> Option<String> {
    if id.chars().count() <= VALUE_MAX {
        return clean(id);
    }
    Some(secret::digest(id).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// One line in our bounds; none when nothing is left of it.
fn clean(text: &str) -> Option<String> {
    let line: String = text.chars().filter(|c| !c.is_control()).take(VALUE_MAX).collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Stores what a post says. The same post again changes nothing but that it was heard.
///
/// # Errors
/// When the database refuses.
pub fn take(w: &mut Write<'_>, pbx: &Pbx, post: &Post) -> Result<()> {
    for what in heard(w, pbx, post)? {
        let (source, external_id) = (pbx.source(), post.call.clone());
        let signal = Signal { source, external_id, at: w.now, what };
        calls::hear(w, pbx.tenant_id, &signal)?;
    }
    Ok(())
}

fn heard(w: &Write<'_>, pbx: &Pbx, post: &Post) -> Result<Vec<Heard>> {
    let who = |word: &String| -> Result<Option<UserId>> { sql::known_as(w, pbx.tenant_id, word) };
    let first = |words: &[Option<&String>]| -> Result<Option<UserId>> {
        for word in words.iter().flatten() {
            if let Some(user) = who(word)? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    };
    let user = post.users.first();
    Ok(match (post.event, post.is_inbound) {
        (Event::NewCall, true) => {
            let mut all = vec![Heard::Incoming {
                from_number: post.from.clone(),
                from_name: None,
                to_number: post.to.clone(),
                queue: post.queue.clone(),
            }];
            for user in &post.users {
                if let Some(agent) = who(user)? {
                    all.push(Heard::Ringing { offer: user.clone(), agent: Some(agent) });
                }
            }
            all
        }
        (Event::NewCall, false) => vec![Heard::Outgoing {
            from_number: post.from.clone(),
            to_number: post.to.clone(),
            agent: first(&[user, post.from.as_ref()])?,
        }],
        (Event::Answer, is_inbound) => {
            let own = if is_inbound { &post.to } else { &post.from };
            let agent = first(&[post.answering.as_ref(), user, own.as_ref()])?;
            vec![Heard::Answered { offer: user.cloned(), agent }]
        }
        (Event::Hangup, _) => vec![Heard::Ended { result: result(post.cause.as_deref()) }],
    })
}

/// Why it ended, where that is more than can be seen from the rest: who gave up, or that nobody
/// answered, can.
fn result(cause: Option<&str>) -> Option<String> {
    let word = match cause? {
        "busy" => "busy",
        "congestion" => "congestion",
        "notFound" => "not_found",
        "forwarded" => "forwarded",
        _ => return None,
    };
    Some(word.into())
}
