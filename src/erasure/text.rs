//! Taking a person's name, e-mail address and phone number out of text and out of JSON.

use serde_json::{Map, Value};

/// The name of everybody who was forgotten.
pub const NOBODY: &str = "Deleted user";

/// What stands where a phone number stood.
const REMOVED: &str = "[removed]";

/// Shorter words stay in free text, where they would hit others; characters.
const WORD_MIN: usize = 3;

/// What tells who somebody is, by the fields of an account.
const PERSONAL: [&str; 7] =
    ["email", "name", "phone", "extension", "locale", "timezone", "last_login_at"];

/// What we ourselves write into rows that are about something else.
const TOLD: [&str; 6] = ["message", "subject", "filename", "name", "author_name", "email"];

/// Fields that machines read.
const MACHINE: [&str; 16] = [
    "id",
    "type",
    "kind",
    "status",
    "state",
    "previous_state",
    "next_state",
    "priority",
    "visibility",
    "format",
    "role",
    "channel",
    "sha256",
    "slug",
    "why",
    "source",
];
const MACHINE_ENDINGS: [&str; 4] = ["_id", "_at", "_url", "_type"];

/// Somebody who is being forgotten.
#[derive(Debug, Clone)]
pub struct Person {
    id: String,
    email: String,
    words: Vec<String>,
}

impl Person {
    /// With the names, e-mail addresses and phone numbers they were known by.
    pub fn new(id: String, mut words: Vec<String>) -> Self {
        let email = format!("deleted-{id}@deleted.invalid");
        let neutral = [email.as_str(), NOBODY, REMOVED, ""];
        words.retain(|word| !neutral.contains(&word.as_str()));
        // A longer word may have a shorter one in it.
        words.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        words.dedup();
        Self { id, email, words }
    }

    /// Whether it is worth looking at a text at all.
    pub fn may_be_in(&self, text: &str) -> bool {
        text.contains(&self.id) || self.words.iter().any(|word| stands_in(text, word))
    }

    /// Whether a text names them by their id.
    pub fn is_named_in(&self, text: &str) -> bool {
        text.contains(&self.id)
    }

    /// A text without them; `None` when they are not in it.
    pub fn out_of(&self, text: &str) -> Option<String> {
        self.without(text, WORD_MIN)
    }

    /// The same for what we wrote ourselves, however short their name.
    pub fn out_of_told(&self, text: &str) -> Option<String> {
        self.without(text, 1)
    }

    fn without(&self, text: &str, shortest: usize) -> Option<String> {
        let mut clean: Option<String> = None;
        for word in self.words.iter().filter(|word| word.chars().count() >= shortest) {
            let found = replaced(clean.as_deref().unwrap_or(text), word, self.instead_of(word));
            clean = found.or(clean);
        }
        clean
    }

    fn instead_of<'a>(&'a self, word: &str) -> &'a str {
        if word.contains('@') {
            &self.email
        } else if word.chars().any(char::is_alphabetic) {
            NOBODY
        } else {
            REMOVED
        }
    }

    /// JSON without them. `named` says that the row it is of speaks of them: then all that people
    /// wrote in it is looked through; else only what we ourselves wrote into it.
    pub fn out_of_json(&self, text: &str, named: bool) -> Option<String> {
        if !self.may_be_in(text) && !named {
            return None;
        }
        let Ok(mut value) = serde_json::from_str::<Value>(text) else { return self.out_of(text) };
        self.walk(&mut value, "", named).then(|| value.to_string())
    }

    /// `changes` of an account of theirs: what they were is forgotten, that it changed is not.
    pub fn out_of_own_changes(&self, text: &str) -> Option<String> {
        let mut value = serde_json::from_str::<Value>(text).ok()?;
        for field in PERSONAL {
            let Some(Value::Array(pair)) = value.get_mut(field) else { continue };
            for side in pair.iter_mut().filter(|side| !side.is_null()) {
                *side = self.neutral(field);
            }
        }
        Some(value.to_string())
    }

    /// The words of an account of theirs, as an event has it in `data` or in `changes`.
    pub fn words_in(text: &str, id: Option<&str>) -> Vec<String> {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return Vec::new() };
        if id.is_some_and(|id| value.get("id").and_then(Value::as_str) != Some(id)) {
            return Vec::new();
        }
        let fields = ["name", "email", "phone"].into_iter().filter_map(|field| value.get(field));
        let texts = fields.flat_map(|field| match field {
            Value::Array(pair) => pair.iter().collect::<Vec<_>>(),
            one => vec![one],
        });
        texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
    }

    /// Whether this is the account itself, as an event has it.
    pub fn is_account_in(&self, data: &str) -> bool {
        let read = serde_json::from_str::<Value>(data);
        read.is_ok_and(|value| value.get("id").and_then(Value::as_str) == Some(self.id.as_str()))
    }

    fn neutral(&self, field: &str) -> Value {
        match field {
            "name" => NOBODY.into(),
            "email" => self.email.as_str().into(),
            _ => Value::Null,
        }
    }

    fn walk(&self, value: &mut Value, key: &str, named: bool) -> bool {
        match value {
            Value::String(text) => {
                let told = TOLD.contains(&key);
                if !told && (!named || is_machines(key)) {
                    return false;
                }
                let shortest = if key == "message" { 1 } else { WORD_MIN };
                let Some(clean) = self.without(text, shortest) else { return false };
                *text = clean;
                true
            }
            Value::Array(all) => {
                all.iter_mut().fold(false, |changed, one| self.walk(one, key, named) | changed)
            }
            Value::Object(fields) => {
                let own = self.out_of_own(fields);
                fields
                    .iter_mut()
                    .fold(own, |changed, (key, value)| self.walk(value, key, named) | changed)
            }
            _ => false,
        }
    }

    /// An object that is them, or that they wrote: their name goes whatever it was.
    fn out_of_own(&self, fields: &mut Map<String, Value>) -> bool {
        let is_theirs = |field: &str, fields: &Map<String, Value>| {
            fields.get(field).and_then(Value::as_str) == Some(self.id.as_str())
        };
        let mut changed = false;
        let mut set = |fields: &mut Map<String, Value>, field: &str, to: Value| {
            if let Some(known) = fields.get_mut(field).filter(|known| !known.is_null()) {
                changed |= *known != to;
                *known = to;
            }
        };
        if is_theirs("id", fields) {
            for field in PERSONAL {
                set(fields, field, self.neutral(field));
            }
        }
        if is_theirs("author_id", fields) {
            set(fields, "author_name", NOBODY.into());
        }
        changed
    }
}

fn is_machines(key: &str) -> bool {
    MACHINE.contains(&key) || MACHINE_ENDINGS.iter().any(|ending| key.ends_with(ending))
}

/// A cheap look for a word, as it stands in plain text and as JSON would write it.
fn stands_in(text: &str, word: &str) -> bool {
    find(text, word).is_some()
        || (word.contains(['"', '\\'])
            && find(text, &word.replace('\\', "\\\\").replace('"', "\\\"")).is_some())
}

/// Where a word begins in a text, whatever the case of its ASCII letters.
fn find(text: &str, word: &str) -> Option<usize> {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    text.windows(word.len().max(1)).position(|window| window.eq_ignore_ascii_case(word))
}

/// A text with a whole word replaced wherever it stands; `None` when it stands nowhere.
fn replaced(text: &str, word: &str, with: &str) -> Option<String> {
    let mut clean = String::new();
    let (mut rest, mut before, mut found) = (text, None, false);
    while let Some(at) = find(rest, word) {
        let (Some(head), Some(tail)) = (rest.get(..at), rest.get(at + word.len()..)) else { break };
        // Only between letters and digits is there no end of a word: a `+` always begins one.
        let joined = |a: Option<char>, b: Option<char>| {
            a.is_some_and(char::is_alphanumeric) && b.is_some_and(char::is_alphanumeric)
        };
        let left = head.chars().next_back().or(before);
        clean.push_str(head);
        if joined(left, word.chars().next())
            || joined(word.chars().next_back(), tail.chars().next())
        {
            clean.push_str(rest.get(at..at + word.len()).unwrap_or_default());
        } else {
            clean.push_str(with);
            found = true;
        }
        before = word.chars().next_back();
        rest = tail;
    }
    clean.push_str(rest);
    found.then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "0192a5a0-0000-7000-8000-000000000001";

    fn dora() -> Person {
        let words = ["Dora Öz", "dora@example.com", "+49 30 1234", "Dora"];
        Person::new(ID.into(), words.map(String::from).into())
    }

    /// Whole words go, whatever their case; parts of other words stay.
    #[test]
    fn a_text_loses_whole_words_only() {
        let email = format!("deleted-{ID}@deleted.invalid");
        for (text, clean) in [
            ("Ask Dora Öz.", Some("Ask Deleted user.".to_owned())),
            ("DORA@EXAMPLE.COM", Some(email)),
            ("call +49 30 1234!", Some("call [removed]!".into())),
            ("Call me: +49 30 1234. Dora Öz", Some("Call me: [removed]. Deleted user".into())),
            ("tel+49 30 1234+49 30 1234", Some("tel[removed][removed]".into())),
            ("+49 30 12345", None),
            ("Dorade, Pandora", None),
            ("Dora, dora and Dorade", Some("Deleted user, Deleted user and Dorade".into())),
            ("", None),
            ("日本Dora日本", None),
            ("日本 Dora 日本", Some("日本 Deleted user 日本".into())),
        ] {
            assert_eq!(dora().out_of(text), clean, "{text}");
        }
        let al = Person::new(ID.into(), vec!["Al".into()]);
        assert_eq!(al.out_of("Al is here"), None, "too short for free text");
        assert_eq!(al.out_of_told("by Al").as_deref(), Some("by Deleted user"));
    }

    fn clean(value: &Value, named: bool) -> Value {
        let clean = dora().out_of_json(&value.to_string(), named);
        clean.map_or_else(|| value.clone(), |text| serde_json::from_str(&text).unwrap())
    }

    /// What the person is, wrote and was called goes; what machines read stays.
    #[test]
    fn json_loses_the_person_and_keeps_its_words() {
        let row = json!({ "id": "x", "status": "Dora", "body": "I am Dora", "author_id": ID,
            "author_name": "An old name", "custom": { "deep": ["Dora"] },
            "number": 12345678901_i64 });
        let expected = json!({ "id": "x", "status": "Dora", "body": "I am Deleted user",
            "author_id": ID, "author_name": NOBODY, "custom": { "deep": [NOBODY] },
            "number": 12345678901_i64 });
        assert_eq!(clean(&row, true), expected);
        let account = json!({ "id": ID, "name": "Whoever", "email": "a@b.c", "phone": null,
            "locale": "de", "role": "agent" });
        let expected = json!({ "id": ID, "name": NOBODY, "role": "agent", "phone": null,
            "email": format!("deleted-{ID}@deleted.invalid"), "locale": null });
        assert_eq!(clean(&account, false), expected);
    }

    /// Of a row that is not about them, only what we wrote into it is looked through.
    #[test]
    fn what_others_wrote_stays() {
        let row = json!({ "message": "by Dora", "body": "Dear Dora", "name": "Dora" });
        let expected = json!({ "message": "by Deleted user", "body": "Dear Dora", "name": NOBODY });
        assert_eq!(clean(&row, false), expected);
        assert_eq!(dora().out_of_json(r#"{"body":"nobody here"}"#, false), None);
        assert_eq!(dora().out_of_json("no json of Dora", true).unwrap(), "no json of Deleted user");
    }

    #[test]
    fn changes_of_an_account_say_that_and_not_what() {
        let changes = json!({ "name": ["Dora", "D."], "phone": [null, "1"], "role": ["a", "b"] });
        let told = dora().out_of_own_changes(&changes.to_string()).unwrap();
        let expected =
            json!({ "name": [NOBODY, NOBODY], "phone": [null, null], "role": ["a", "b"] });
        assert_eq!(serde_json::from_str::<Value>(&told).unwrap(), expected);
        let words = Person::words_in(&changes.to_string(), None);
        assert_eq!(words, ["Dora", "D.", "1"]);
        assert!(Person::words_in(r#"{"id":"x","name":"a"}"#, Some(ID)).is_empty());
    }
}
