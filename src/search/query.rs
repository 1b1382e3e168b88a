//! From what somebody typed to a query that FTS5 can only understand one way.

use crate::{
    auth::Role,
    event::Listener,
    id::{TenantId, UserId},
};
use uuid::Uuid;

/// Words of a query that count; what comes after them is left out.
const WORDS_MAX: usize = 12;

/// Longest word, characters.
const WORD_MAX: usize = 64;

/// The word in `who` that all staff of a tenant find by.
pub(super) fn staff_word(tenant: TenantId) -> String {
    format!("t{}", tenant.0.simple())
}

/// The word in `who` that one customer finds by.
pub(super) fn reader_word(user: UserId) -> String {
    format!("u{}", user.0.simple())
}

/// The word in `who` that every signed-in person of a tenant finds by.
pub(super) fn everyone_word(tenant: TenantId) -> String {
    format!("e{}", tenant.0.simple())
}

/// Somebody nobody knows: they find what every customer of the tenant finds.
pub(super) fn anybody(tenant: TenantId) -> Listener {
    Listener { tenant, user: UserId(Uuid::nil()), role: Role::Customer }
}

/// The words of what was typed; anything that is no letter and no digit separates them, so no
/// operator of the query language gets through.
pub(super) fn words(typed: &str) -> Vec<String> {
    typed
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(WORD_MAX).collect())
        .take(WORDS_MAX)
        .collect()
}

/// The query for FTS5: all words must be there, the last one perhaps unfinished, in rows that the
/// listener may find.
pub(super) fn matching(listener: &Listener, words: &[String]) -> String {
    let who = if listener.role.is_staff() {
        format!("\"{}\"", staff_word(listener.tenant))
    } else {
        let (own, all) = (reader_word(listener.user), everyone_word(listener.tenant));
        format!("(\"{own}\" OR \"{all}\")")
    };
    let text: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(i, word)| {
            let unfinished = if i + 1 == words.len() { "*" } else { "" };
            format!("\"{word}\"{unfinished}")
        })
        .collect();
    format!("who : {who} AND {{title body}} : ({})", text.join(" AND "))
}

/// A ticket's number, if that is what was typed (`#12`, `12`).
pub(super) fn number(typed: &str) -> Option<i64> {
    let typed = typed.trim();
    typed.strip_prefix('#').unwrap_or(typed).parse().ok().filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_typed_becomes_an_operator() {
        let staff = Listener {
            tenant: TenantId(Uuid::from_u128(1)),
            user: UserId(Uuid::from_u128(2)),
            role: Role::Agent,
        };
        let asked = |typed: &str| matching(&staff, &words(typed));
        let who = "who : \"t00000000000000000000000000000001\" AND {title body} : ";
        assert_eq!(asked("printer jam"), format!("{who}(\"printer\" AND \"jam\"*)"));
        let hostile = "a\" OR who:\"t0 NOT (b* NEAR/2 ^c";
        let words_of_it = ["a", "OR", "who", "t0", "NOT", "b", "NEAR", "2", "c"];
        let quoted = words_of_it.map(|word| format!("\"{word}\"")).join(" AND ");
        assert_eq!(asked(hostile), format!("{who}({quoted}*)"));
        assert!(words(" *:\"'()-^ ").is_empty());
        assert_eq!(words(&"x ".repeat(50)).len(), WORDS_MAX);
    }

    #[test]
    fn numbers_are_recognised() {
        assert_eq!(
            (number("#12"), number(" 7 "), number("0"), number("12a")),
            (Some(12), Some(7), None, None)
        );
    }
}
