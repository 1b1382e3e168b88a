//! What commands print: columns that line up, and text that cannot play with the terminal.

use super::say;
use crate::exit::Failure;
use serde_json::Value;

/// The text with every control character made a blank: an answer of a stranger's may stand in it.
pub(super) fn plain(text: &str) -> String {
    // Those of the second group turn the direction of what follows.
    let odd =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if odd(c) { ' ' } else { c }).collect()
}

/// The text cut to so many characters, with a sign that it was.
pub(super) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Reads answers without a fuss about what is not there.
pub(super) trait At {
    /// The field of that name; null where there is none.
    fn at(&self, name: &str) -> &Value;
}

impl At for Value {
    fn at(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

/// A value as one reads it: text without quotes, nothing for null.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => plain(text),
        Value::Array(all) => all.iter().map(word).collect::<Vec<_>>().join(","),
        other => plain(&other.to_string()),
    }
}

/// Prints a value as JSON.
pub(super) fn say_json(value: &Value) -> Result<(), Failure> {
    say(&format!("{value:#}\n"))
}

/// Rows as lines, each column as wide as its widest word; the last is not padded.
pub(super) fn columns(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| {
        all.iter().filter_map(|row| row.get(column)).map(|word| word.chars().count()).max()
    };
    let widths: Vec<usize> = (0..head.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in all {
        let padded = row.iter().zip(&widths).map(|(word, width)| format!("{word:<width$}"));
        text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_line_up_and_words_are_plain() {
        let rows = [vec!["1".into(), "Ledger".into()], vec!["101".into(), "é".into()]];
        assert_eq!(columns(&["id", "name"], &rows), "id   name\n1    Ledger\n101  é\n");
        assert_eq!(word(&json!("a\u{1b}]0;x\u{7}\u{202e}b")), "a ]0;x  b");
        assert_eq!(word(&json!(["a", 1, null])), "a,1,");
        assert_eq!((cut("abcd", 4), cut("abcde", 4)), ("abcd".into(), "abc…".into()));
    }
}
