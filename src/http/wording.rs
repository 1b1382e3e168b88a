//! What readers of JSON and queries complain about, said in words for the person who sent it.

/// Where a value of this word is expected, as the readers call it and as people do.
const EXPECTED: [(&str, &str); 17] = [
    ("a string", "a string"),
    ("a borrowed string", "a string"),
    ("string", "a string"),
    ("str", "a string"),
    ("a boolean", "true or false"),
    ("bool", "true or false"),
    ("a sequence", "a list"),
    ("a map", "an object"),
    ("map", "an object"),
    ("unit", "null"),
    ("i64", "a whole number"),
    ("i32", "a whole number"),
    ("u8", "a whole number, not below 0"),
    ("u32", "a whole number, not below 0"),
    ("u64", "a whole number, not below 0"),
    ("usize", "a whole number, not below 0"),
    ("f64", "a number"),
];

/// What was sent instead, by the first word of the reader's name for it.
const SENT: [(&str, &str); 8] = [
    ("string", "a string"),
    ("integer", "a number"),
    ("floating", "a number with a fraction"),
    ("boolean", "true or false"),
    ("null", "null"),
    ("map", "an object"),
    ("sequence", "a list"),
    ("unit", "null"),
];

/// A complaint, with the field it names itself, if it does: then the path does not.
pub(super) fn complaint(message: &str) -> (Option<&str>, String) {
    let within = |prefix: &str| message.strip_prefix(prefix)?.split('`').next();
    if let Some(field) = within("missing field `") {
        return (Some(field), "is required".into());
    }
    if let Some(field) = within("unknown field `") {
        return (Some(field), "is not a field of this request".into());
    }
    if let Some(field) = within("duplicate field `") {
        return (Some(field), "stands there twice".into());
    }
    if message.starts_with("unknown variant `") {
        return (None, one_of(message));
    }
    if let Some((_, expected)) = message.split_once(", expected ") {
        return (None, expectation(message, expected));
    }
    (None, other(message))
}

/// The allowed words of an enumeration, which stand in the complaint between backticks.
fn one_of(message: &str) -> String {
    let allowed = message.rsplit_once("`, expected ").map_or("", |(_, allowed)| allowed);
    let words: Vec<_> = allowed.split('`').skip(1).step_by(2).collect();
    match words.as_slice() {
        [] => "is not a word that is known here".into(),
        [only] => format!("must be {only}"),
        [all @ .., last] => format!("must be one of {} or {last}", all.join(", ")),
    }
}

fn expectation(message: &str, expected: &str) -> String {
    let known = EXPECTED.iter().find(|(theirs, _)| *theirs == expected);
    let ours = match known {
        Some((_, ours)) => *ours,
        None if expected.starts_with("struct ") => "an object",
        None if expected.contains("UUID") => "an id",
        None if expected.contains("enum") || expected.contains("variant") => "one of its words",
        None => return "is not what is expected here".into(),
    };
    let sent = message.strip_prefix("invalid type: ").and_then(|rest| {
        let first = rest.split([' ', ',']).next().unwrap_or_default();
        SENT.iter().find(|(theirs, _)| *theirs == first)
    });
    match sent {
        Some((_, sent)) if *sent != ours => format!("must be {ours}, not {sent}"),
        _ => format!("must be {ours}"),
    }
}

fn other(message: &str) -> String {
    let begins = |with: &[&str]| with.iter().any(|begin| message.starts_with(begin));
    let ours = if begins(&["recursion limit"]) {
        "is nested too deeply"
    } else if begins(&["expected value", "invalid type", "expected "]) {
        "is of another type than is expected here"
    } else if begins(&["UUID parsing failed", "invalid UUID"]) {
        "must be an id"
    } else if begins(&["invalid digit", "cannot parse integer", "number too"]) {
        "must be a whole number within bounds"
    } else if begins(&["provided string was not"]) {
        "must be true or false"
    } else if begins(&["must ", "is ", "has "]) {
        // Our own.
        message
    } else {
        "is not what is expected here"
    };
    ours.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use uuid::Uuid;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Low,
        InTheMiddle,
        High,
    }

    #[derive(Debug, Deserialize)]
    enum Only {
        One,
    }

    fn told<T: serde::de::DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        let message = serde_json::from_str::<T>(json).unwrap_err().to_string();
        complaint(message.rsplit_once(" at line ").unwrap().0).1
    }

    /// Nothing of the reader's own language comes through.
    #[test]
    fn complaints_are_in_our_words() {
        let all = [Word::Low, Word::InTheMiddle, Word::High];
        assert_eq!((all.len(), format!("{:?}", Only::One)), (3, "One".into()));
        for (said, expected) in [
            (told::<Word>(r#""`, expected x""#), "must be one of low, in_the_middle or high"),
            (told::<Word>("1"), "is of another type than is expected here"),
            (told::<Only>(r#""Two""#), "must be One"),
            (told::<String>("1"), "must be a string, not a number"),
            (told::<String>("[]"), "must be a string, not a list"),
            (told::<String>("null"), "must be a string, not null"),
            (told::<i64>("1.5"), "must be a whole number, not a number with a fraction"),
            (told::<i64>(r#""a""#), "must be a whole number, not a string"),
            (told::<u8>("-1"), "must be a whole number, not below 0"),
            (told::<bool>("{}"), "must be true or false, not an object"),
            (told::<Vec<i64>>("true"), "must be a list, not true or false"),
            (told::<Uuid>("7"), "must be an id, not a number"),
            (told::<Uuid>(r#""x""#), "must be an id"),
            (told::<(i64, i64)>("[1]"), "is not what is expected here"),
        ] {
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn a_field_that_a_complaint_names_is_taken_from_it() {
        for (message, field, said) in [
            ("missing field `a`", Some("a"), "is required"),
            ("unknown field `b`, expected `a`", Some("b"), "is not a field of this request"),
            ("duplicate field `c`", Some("c"), "stands there twice"),
            ("invalid digit found in string", None, "must be a whole number within bounds"),
            ("provided string was not `true` or `false`", None, "must be true or false"),
            ("must be a ticket's id or number", None, "must be a ticket's id or number"),
        ] {
            assert_eq!(complaint(message), (field, said.to_owned()));
        }
    }
}
