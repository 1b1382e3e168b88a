//! What is wrong with a configuration: all of it at once, never with a secret in it.

use crate::exit::{Exit, Failure};
use std::fmt;

/// How many problems are written out; the rest is counted. A wrong file has one on every line.
const SHOWN_MAX: usize = 20;

/// How much of a wrong value is repeated, in characters.
const QUOTED_MAX: usize = 60;

/// Everything that is wrong with the configuration. It ends the program with code 78.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// One sentence a problem, each naming the key and where it was set, or a file and line.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.problems.as_slice() {
            return write!(f, "the configuration cannot be used: {only}");
        }
        write!(f, "the configuration cannot be used; {} problems:", self.problems.len())?;
        for problem in self.problems.iter().take(SHOWN_MAX) {
            write!(f, "\n  {problem}")?;
        }
        let more = self.problems.len().saturating_sub(SHOWN_MAX);
        if more > 0 { write!(f, "\n  … and {more} more") } else { Ok(()) }
    }
}

impl std::error::Error for ConfigError {}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Config, error.to_string())
    }
}

/// A wrong value as an error message may show it: shortened, with control characters escaped, and
/// not at all when it looks like a URL with a password in it.
pub(super) fn quoted(value: &str) -> String {
    if value.contains('@') && value.contains("://") {
        return String::from("the value");
    }
    let mut short: String = value.chars().take(QUOTED_MAX).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_counted() {
        let problems = (0..25).map(|n| format!("problem {n}")).collect();
        let text = ConfigError { problems }.to_string();
        assert!(text.contains("25 problems") && text.contains("problem 19"), "{text}");
        assert!(text.ends_with("… and 5 more") && !text.contains("problem 20\n"), "{text}");
    }

    #[test]
    fn a_wrong_value_is_shown_short_and_without_passwords() {
        assert_eq!(quoted("a\nb"), "\"a\\nb\"");
        assert_eq!(quoted(&"x".repeat(90)), format!("\"{}…\"", "x".repeat(60)));
        assert_eq!(quoted("ftp://me:hunter2@host"), "the value");
    }
}
