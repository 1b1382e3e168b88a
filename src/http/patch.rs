//! What a change is based on and what it clears: the version it was made from, and fields set to
//! `null` told from fields left out.

use crate::error::{Error, Result};
use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::to_raw_value;

/// Reads a field that may be absent (`None`), `null` (`Some(None)`) or a value. Use it as
/// `#[serde(default, deserialize_with = "patch::nullable")]`.
///
/// # Errors
/// What `T` does not accept.
pub fn nullable<'de, D, T>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(from).map(Some)
}

/// The version in `If-Match` (`"7"`, `W/"7"` or `7`); none without that header, or when it is `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(Option<i64>);

impl IfMatch {
    /// The version a change is based on: the header's, else the body's; none means that the change
    /// wins whatever was changed in between.
    pub fn or(self, in_body: Option<i64>) -> Option<i64> {
        self.0.or(in_body)
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "*" {
            return Some(Self(None));
        }
        let text = text.strip_prefix("W/").unwrap_or(text);
        let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        bare.parse().ok().map(|version| Self(Some(version)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        value
            .to_str()
            .ok()
            .and_then(Self::read)
            .ok_or_else(|| Error::field("If-Match", "must be the version of the row, as \"7\""))
    }
}

/// Refuses a change that was made from an older version than the row has now.
///
/// # Errors
/// 409 `version_conflict`, with the row as it is.
pub fn check_version(based_on: Option<i64>, version: i64, row: &impl Serialize) -> Result<()> {
    if based_on.is_none_or(|based_on| based_on == version) {
        return Ok(());
    }
    Err(Error::Conflict {
        code: "version_conflict",
        message: format!("somebody else changed it in between, it is at version {version} now"),
        current: Some(to_raw_value(row).map_err(Error::internal)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_left_out_is_not_one_set_to_null() {
        #[derive(Deserialize)]
        struct Sent {
            #[serde(default, deserialize_with = "nullable")]
            phone: Option<Option<String>>,
        }
        let read = |text| serde_json::from_str::<Sent>(text).unwrap().phone;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"phone":null}"#), Some(None));
        assert_eq!(read(r#"{"phone":"1"}"#), Some(Some("1".into())));
    }

    #[test]
    fn if_match_is_read_in_the_ways_clients_write_it() {
        for text in ["7", "\"7\"", "W/\"7\"", " \"7\" "] {
            assert_eq!(IfMatch::read(text), Some(IfMatch(Some(7))), "{text}");
        }
        assert_eq!(IfMatch::read("*"), Some(IfMatch(None)));
        assert_eq!(IfMatch::read("\"abc\""), None);
        assert_eq!(IfMatch(Some(7)).or(Some(8)), Some(7));
        assert_eq!(IfMatch(None).or(Some(8)), Some(8));
    }

    #[test]
    fn a_change_made_from_an_older_version_is_told_the_row_as_it_is() {
        let row = json!({ "name": "new" });
        assert!(check_version(None, 3, &row).is_ok() && check_version(Some(3), 3, &row).is_ok());
        let refused = check_version(Some(2), 3, &row).unwrap_err();
        assert!(!refused.to_string().contains("new"), "{refused}");
        let Error::Conflict { code: "version_conflict", current: Some(current), .. } = refused
        else {
            panic!("{refused:?}")
        };
        assert_eq!(current.get(), r#"{"name":"new"}"#);
    }
}
