//! Patterns.

/// Matches.
pub fn matches(pattern: &str, name: &str) -> bool {
    pattern == "*" || pattern == name
}
