//! What a client says of itself when it connects: its token, and where it wants to go on from.

use super::tongue::offset;
use crate::id::UserId;
use serde::Deserialize;
use serde_json::Value;

/// The JSON object of a CONNECT packet, as it comes; what is not known is not read.
#[derive(Debug, Default, Deserialize)]
struct Said {
    token: Option<String>,
    since: Option<Value>,
    epoch: Option<String>,
    max: Option<u64>,
    #[serde(default)]
    recover: bool,
    #[serde(default)]
    signs: bool,
    pid: Option<String>,
    offset: Option<String>,
}

/// A place in the log: everything up to `seq` was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The history it belongs to.
    pub(super) epoch: Option<String>,
    /// The last `seq` seen.
    pub(super) seq: i64,
}

/// What a client wants.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// Who it says it is.
    pub(super) token: Option<String>,
    /// It goes on from here, and wants to hear how that went.
    pub(super) since: Option<Place>,
    /// More events than this it does not want to take at once.
    pub(super) max: Option<u64>,
    /// It wants to hear what is no event: that its token ends soon, that the server stops.
    pub(super) signs: bool,
    /// It keeps the offset of each event for its next coming.
    pub(super) recover: bool,
    /// It was here before, under this name, and has heard up to here.
    pub(super) before: Option<(Pid, Place)>,
}

impl Wishes {
    /// Reads what came with a CONNECT packet.
    ///
    /// # Errors
    /// What is wrong, in words for the client.
    pub(super) fn read(auth: Option<&str>) -> Result<Self, &'static str> {
        let wrong = "auth takes token, since, epoch, max, recover and signs";
        let said: Said = match auth {
            Some(auth) => serde_json::from_str(auth).map_err(|_| wrong)?,
            None => Said::default(),
        };
        let since = match said.since {
            None | Some(Value::Null) => None,
            Some(since) => Some(place(&since, said.epoch).ok_or("since is a seq of an event")?),
        };
        // A stock client gives its `pid` and `offset` back only where recovery was agreed on. One
        // that has heard nothing yet has no offset: it goes on from where it came in.
        let before = said.pid.as_deref().and_then(Pid::read).filter(|_| said.recover);
        let before = before.map(|pid| {
            let offset = said.offset.and_then(|offset| place(&Value::String(offset), None));
            let place = offset.unwrap_or_else(|| pid.place.clone());
            (pid, place)
        });
        let Said { token, max, recover, signs, .. } = said;
        Ok(Self { token, since, max, signs, recover, before })
    }
}

/// A number, its digits, or `<epoch>-<seq>`.
fn place(value: &Value, epoch: Option<String>) -> Option<Place> {
    if let Some(seq) = value.as_i64() {
        return Some(Place { epoch, seq });
    }
    let text = value.as_str()?;
    if let Ok(seq) = text.parse() {
        return Some(Place { epoch, seq });
    }
    let (epoch, seq) = text.rsplit_once('-')?;
    Some(Place { epoch: Some(epoch.to_owned()), seq: seq.parse().ok()? })
}

/// The name under which a stock client comes back: `<user>.<epoch>-<seq>.<random>`.
///
/// It opens nothing: the token is asked for as ever, and the name only counts for its own user. It
/// says where that user came in, so that it means the same after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pid {
    /// Whose it is.
    pub(super) user: UserId,
    place: Place,
    text: String,
}

impl Pid {
    /// A new name for a user who comes in at this place.
    pub(super) fn new(user: UserId, epoch: &str, seq: i64, random: &str) -> Self {
        let text = format!("{}.{}.{random}", user.0.as_simple(), offset(epoch, seq));
        Self { user, place: Place { epoch: Some(epoch.to_owned()), seq }, text }
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (user, at, random) = (parts.next()?, parts.next()?, parts.next()?);
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if parts.next().is_some() || random.len() > 64 || !text.chars().all(plain) {
            return None;
        }
        let place = place(&Value::String(at.to_owned()), None).filter(|p| p.epoch.is_some())?;
        Some(Self { user: user.parse().ok()?, place, text: text.to_owned() })
    }

    /// As it goes into the consent; nothing in it needs escaping.
    pub(super) fn words(&self) -> String {
        format!(r#""pid":"{}""#, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(epoch: Option<&str>, seq: i64) -> Place {
        Place { epoch: epoch.map(str::to_owned), seq }
    }

    #[test]
    fn a_place_is_a_number_or_an_offset() {
        let since = |auth: &str| Wishes::read(Some(auth)).map(|wishes| wishes.since);
        assert_eq!(since("{}"), Ok(None));
        assert_eq!(since(r#"{"since":null}"#), Ok(None));
        assert_eq!(since(r#"{"since":12}"#), Ok(Some(at(None, 12))));
        assert_eq!(since(r#"{"since":"12"}"#), Ok(Some(at(None, 12))));
        assert_eq!(since(r#"{"since":12,"epoch":"e"}"#), Ok(Some(at(Some("e"), 12))));
        assert_eq!(since(r#"{"since":"e-f-12","other":1}"#), Ok(Some(at(Some("e-f"), 12))));
        for wrong in [r#"{"since":true}"#, r#"{"since":1.5}"#, r#"{"since":"x"}"#, r#"{"token":1}"#]
        {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pid_says_where_its_user_came_in_unless_the_offset_knows_better() {
        let user = UserId(Uuid::from_u128(7));
        let pid = Pid::new(user, "e1", 40, "r4nd-om_");
        let text = pid.words().replace(r#""pid":"#, "").replace('"', "");
        let before = |more: &str| {
            let auth = format!(r#"{{"pid":"{text}"{more}}}"#);
            Wishes::read(Some(&auth)).unwrap().before
        };
        assert_eq!(before(""), None, "recovery was not asked for");
        let recover = r#","recover":true"#;
        assert_eq!(before(recover), Some((pid.clone(), at(Some("e1"), 40))));
        let heard = format!(r#"{recover},"offset":"e1-47""#);
        assert_eq!(before(&heard), Some((pid, at(Some("e1"), 47))));
        for forged in
            ["", "x", "a.b.c", &format!("{text}.x"), &text.replace("e1-40", "40"), "\\u0022"]
        {
            let auth = format!(r#"{{"pid":"{forged}","recover":true}}"#);
            assert_eq!(Wishes::read(Some(&auth)).unwrap().before, None, "{forged}");
        }
    }
}
