//! What a change changed: `{field: [old, new]}`, as it stands beside the data of an event.

use crate::error::{Error, Result};
use serde::Serialize;
use serde_json::{Map, Value};

/// Fields that move with every change and so say nothing about one.
const ALWAYS: [&str; 2] = ["version", "updated_at"];

/// The fields of an entity that are no longer what they were.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Changes(Map<String, Value>);

impl Changes {
    /// Compares an entity field by field, the way it is written as JSON; `version` and `updated_at`
    /// are left out. A field that only one side has counts as `null` on the other.
    ///
    /// # Errors
    /// Only when a side cannot be written as a JSON object.
    pub fn between(old: &impl Serialize, new: &impl Serialize) -> Result<Self> {
        let (mut old, new) = (object(old)?, object(new)?);
        let mut changes = Map::new();
        for (field, now) in new {
            let was = old.remove(&field).unwrap_or(Value::Null);
            if was != now {
                changes.insert(field, Value::Array(vec![was, now]));
            }
        }
        for (field, was) in old.into_iter().filter(|(_, was)| !was.is_null()) {
            changes.insert(field, Value::Array(vec![was, Value::Null]));
        }
        changes.retain(|field, _| !ALWAYS.contains(&field.as_str()));
        Ok(Self(changes))
    }

    /// Whether nothing changed: then nothing is stored and nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `field` changed.
    pub fn touches(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// Leaves out what `fields` were before, for what must not stay in the log: that they changed
    /// is still said, with `null` as the old value.
    pub fn forget_old(&mut self, fields: &[&str]) {
        for field in fields {
            if let Some(Value::Array(pair)) = self.0.get_mut(*field)
                && let Some(old) = pair.first_mut()
            {
                *old = Value::Null;
            }
        }
    }
}

fn object(of: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(of).map_err(Error::internal)? {
        Value::Object(map) => Ok(map),
        _ => Err(Error::internal("only objects have fields that can change")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(old: &Value, new: &Value) -> Value {
        serde_json::to_value(Changes::between(old, new).unwrap()).unwrap()
    }

    /// Only what differs is told, whether the field is on both sides or on one.
    #[test]
    fn fields_that_differ_are_told_with_both_values() {
        let old = json!({ "version": 1, "updated_at": 5, "name": "a", "tags": [1], "gone": true });
        let new = json!({ "version": 2, "updated_at": 6, "name": "b", "tags": [1], "come": 1 });
        let expected = json!({ "name": ["a", "b"], "gone": [true, null], "come": [null, 1] });
        assert_eq!(told(&old, &new), expected);
    }

    /// A save without a change is no change, and neither is a missing field that becomes null.
    #[test]
    fn nothing_that_differs_is_no_change() {
        let old = json!({ "version": 1, "updated_at": 5, "phone": null });
        let new = json!({ "version": 2, "updated_at": 9, "due": null });
        assert_eq!(told(&old, &new), json!({}));
    }

    /// What must not stay in the log is concealed, the fact that it changed is not.
    #[test]
    fn an_old_value_can_be_forgotten() {
        let (old, new) = (json!({ "email": "a@b.c", "n": 1 }), json!({ "email": "x", "n": 2 }));
        let mut changes = Changes::between(&old, &new).unwrap();
        changes.forget_old(&["email", "phone"]);
        assert!(changes.touches("email") && !changes.touches("phone") && !changes.is_empty());
        let expected = json!({ "email": [null, "x"], "n": [1, 2] });
        assert_eq!(serde_json::to_value(changes).unwrap(), expected);
    }

    #[test]
    fn only_objects_can_be_compared() {
        assert!(Changes::between(&json!(1), &json!({})).is_err());
    }
}
