//! From what somebody typed to a query that FTS5 can only understand one way.

use super::Kind;
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

/// The word in `who` that all staff of a tenant find things of a kind by.
pub(super) fn staff_word(tenant: TenantId, kind: Kind) -> String {
    format!("t{}k{}", tenant.0.simple(), kind as i64)
}

/// The word in `who` that one customer finds by.
pub(super) fn reader_word(user: UserId, kind: Kind) -> String {
    format!("u{}k{}", user.0.simple(), kind as i64)
}

/// The word in `who` that every signed-in person of a tenant finds by.
pub(super) fn everyone_word(tenant: TenantId, kind: Kind) -> String {
    format!("e{}k{}", tenant.0.simple(), kind as i64)
}

/// Somebody nobody knows: they find what every customer of the tenant finds.
pub(super) fn anybody(tenant: TenantId) -> Listener {
    Listener { tenant, user: UserId(Uuid::nil()), role: Role::Customer }
}

/// The words of what was typed; anything that is no letter and no digit separates them, so no
/// operator of the query language gets through.
pub fn words(typed: &str) -> Vec<String> {
    typed
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(WORD_MAX).collect())
        .take(WORDS_MAX)
        .collect()
}

/// How closely a row must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tier {
    /// All words must stand in the title.
    pub(super) in_title: bool,
    /// The last word may be the beginning of one.
    pub(super) unfinished: bool,
}

impl Tier {
    /// From the closest to the loosest.
    ///
    /// Unfinished words are looked for once only: FTS5 gathers all rows of all words that begin so,
    /// which takes tens of milliseconds where half a million have one.
    pub(super) const ALL: [Self; 3] = [
        Self { in_title: true, unfinished: false },
        Self { in_title: false, unfinished: false },
        Self { in_title: false, unfinished: true },
    ];

    /// Whether these words can be looked for like that. One letter begins too many words.
    pub(super) fn fits(self, words: &[String]) -> bool {
        let last = words.last().map_or("", String::as_str);
        !self.unfinished || last.len() > 1
    }
}

/// The query for FTS5: all words must be there, in rows of these kinds that the listener may find.
/// `None` when nothing can match.
pub(super) fn matching(
    listener: &Listener,
    words: &[String],
    (kinds, tier): (&[Kind], Tier),
) -> Option<String> {
    let mut who = Vec::new();
    for kind in kinds.iter().copied().filter(|kind| !tier.in_title || kind.has_title()) {
        if listener.role.is_staff() {
            who.push(staff_word(listener.tenant, kind));
        } else if kind == Kind::Article {
            who.push(everyone_word(listener.tenant, kind));
        } else {
            who.push(reader_word(listener.user, kind));
        }
    }
    let text: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(i, word)| {
            let star = if tier.unfinished && i + 1 == words.len() { "*" } else { "" };
            format!("\"{word}\"{star}")
        })
        .collect();
    let columns = if tier.in_title { "title" } else { "{title body}" };
    (!who.is_empty() && !text.is_empty())
        .then(|| format!("who : ({}) AND {columns} : ({})", who.join(" OR "), text.join(" AND ")))
}

/// A ticket's number, if that is what was typed (`#12`, `12`).
pub fn number(typed: &str) -> Option<i64> {
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
        let asked = |typed: &str, tier| {
            matching(&staff, &words(typed), (&[Kind::Ticket, Kind::Comment], tier)).unwrap()
        };
        let [closest, .., loosest] = Tier::ALL;
        let t = "t00000000000000000000000000000001";
        let said = format!("who : ({t}k1) AND title : (\"printer\" AND \"jam\")");
        assert_eq!(asked("printer jam", closest), said);
        let who = format!("who : ({t}k1 OR {t}k2) AND {{title body}} : ");
        assert_eq!(asked("printer jam", loosest), format!("{who}(\"printer\" AND \"jam\"*)"));
        let hostile = "a\" OR who:\"t0 NOT (b* NEAR/2 ^c";
        let words_of_it = ["a", "OR", "who", "t0", "NOT", "b", "NEAR", "2", "c"];
        let quoted = words_of_it.map(|word| format!("\"{word}\"")).join(" AND ");
        assert_eq!(asked(hostile, loosest), format!("{who}({quoted}*)"));
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
