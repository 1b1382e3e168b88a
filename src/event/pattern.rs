//! What an endpoint subscribes to: names of kinds, `ticket.*` and `*`.

use crate::event::Kind;

/// Most patterns of one endpoint.
pub const PATTERNS_MAX: usize = 50;

/// Longest pattern, bytes: as long as a kind's name may be.
pub const PATTERN_LEN_MAX: usize = 64;

/// First segments that `*` leaves out: notifications belong to one person, and `webhook.*` tells of
/// the deliveries themselves, so that an unwary `*` would feed on its own noise.
const NOT_IN_ALL: [&str; 2] = ["notification", "webhook"];

/// How many near names a refusal proposes.
const NEAR_MAX: usize = 3;

/// Whether `pattern` asks for the kind called `kind`.
pub fn matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        None => pattern == kind,
        Some("") => !NOT_IN_ALL.contains(&first_segment(kind)),
        // What is left ends with the dot, so that `ticket.*` does not match `tickets.made`.
        Some(prefix) => prefix.ends_with('.') && kind.starts_with(prefix),
    }
}

/// Whether any of `patterns` asks for the kind called `kind`.
pub fn any_matches<S: AsRef<str>>(patterns: &[S], kind: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern.as_ref(), kind))
}

/// Whether `pattern` can be subscribed to; the message says why not, for the one who wrote it.
///
/// A built-in kind must exist by that name. A tenant's own type need not exist yet: it may be
/// published tomorrow.
pub fn validate(pattern: &str) -> Result<(), String> {
    if pattern == "*" {
        return Ok(());
    }
    if pattern.len() > PATTERN_LEN_MAX {
        return Err(format!("must be at most {PATTERN_LEN_MAX} bytes long"));
    }
    let well_formed = match pattern.strip_suffix(".*") {
        // Any name below it will do to ask whether the part before the star is well formed.
        Some(prefix) => Kind::is_well_formed(&format!("{prefix}.x")),
        None => Kind::is_well_formed(pattern),
    };
    if !well_formed {
        return Err(String::from(
            "must be the name of an event such as ticket.created, or ticket.*, or *",
        ));
    }
    let known = || Kind::BUILT_IN.iter().any(|kind| matches(pattern, kind.name()));
    if Kind::is_reserved(pattern) && !known() {
        return Err(format!("no event has that name; near it are {}", nearest(pattern).join(", ")));
    }
    Ok(())
}

/// Checks a whole subscription. Each fault comes with the index of its pattern; an empty list and
/// one that is too long are told at the index where the fault begins.
pub fn validate_all(patterns: &[String]) -> Result<(), Vec<(usize, String)>> {
    if patterns.is_empty() {
        return Err(vec![(0, String::from("name at least one event, or *"))]);
    }
    if patterns.len() > PATTERNS_MAX {
        return Err(vec![(PATTERNS_MAX, format!("at most {PATTERNS_MAX} may be named"))]);
    }
    let faults: Vec<_> = patterns
        .iter()
        .enumerate()
        .filter_map(|(at, pattern)| validate(pattern).err().map(|why| (at, why)))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn first_segment(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The built-in names most like `pattern`, the nearest first.
fn nearest(pattern: &str) -> Vec<&'static str> {
    let wanted = pattern.strip_suffix(".*").unwrap_or(pattern);
    let mut names: Vec<_> = Kind::BUILT_IN
        .iter()
        .map(|kind| {
            let name = kind.name();
            // The first segment was right, or we would not be here: its own names come first.
            let stranger = first_segment(name) != first_segment(wanted);
            (stranger, edit_distance(wanted, name), name)
        })
        .collect();
    names.sort_unstable();
    names.into_iter().take(NEAR_MAX).map(|(_, _, name)| name).collect()
}

/// How many bytes to insert, delete or replace to turn `a` into `b` (Levenshtein).
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        // `diagonal` is the cell up and to the left of the one being worked out.
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let best = (diagonal + usize::from(x != y)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_its_name_its_branch_or_all_but_the_machinery() {
        for (pattern, kind, expected) in [
            ("ticket.created", "ticket.created", true),
            ("ticket.created", "ticket.created.twice", false),
            ("ticket.created", "ticket.updated", false),
            ("ticket.*", "ticket.created", true),
            ("ticket.*", "ticket.status.changed", true),
            ("ticket.*", "tickets.created", false),
            ("ticket.*", "ticket", false),
            ("ticket.status.*", "ticket.status.changed", true),
            ("ticket.status.*", "ticket.created", false),
            ("ticke*", "ticket.created", false),
            ("*", "ticket.created", true),
            ("*", "agent.state.changed", true),
            ("*", "order.paid", true),
            ("*", "notification.created", false),
            ("*", "webhook.failing", false),
            ("*", "webhook.test", false),
            ("*", "webhooks.mine", true),
            ("notification.*", "notification.created", true),
            ("webhook.*", "webhook.failing", true),
            ("webhook.failing", "webhook.failing", true),
            ("order.*", "order.paid", true),
            ("order.*", "order.line.added", true),
            ("", "ticket.created", false),
            ("**", "ticket.created", false),
        ] {
            assert_eq!(matches(pattern, kind), expected, "{pattern} {kind}");
        }
        assert!(any_matches(&["call.*", "ticket.created"], "ticket.created"));
        assert!(!any_matches::<&str>(&[], "ticket.created"));
    }

    #[test]
    fn names_branches_and_the_star_can_be_subscribed_to() {
        let longest = format!("a.{}.*", "b".repeat(60));
        for good in [
            "*",
            "ticket.created",
            "ticket.*",
            "ticket.status.*",
            "agent.state.*",
            "agent.*",
            "notification.*",
            "webhook.failing",
            "order.paid",
            "order.*",
            "order.line.item.*",
            "tickets.made",
            &longest,
        ] {
            assert_eq!(validate(good), Ok(()), "{good}");
        }
        for kind in Kind::BUILT_IN {
            assert_eq!(validate(kind.name()), Ok(()));
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let long = format!("a.{}.*", "b".repeat(61));
        for bad in [
            "",
            ".",
            "ticket",
            "ticket.",
            "ticket*",
            "ticket.cre*",
            "*.created",
            "ticket.*.*",
            "tick*t.created",
            "Ticket.created",
            "ticket created",
            "ticket.created ",
            "**",
            ".*",
            "1order.*",
            "order.a.b.c.*",
            "order.a.b.c.d",
            "ördér.paid",
            &long,
        ] {
            assert!(validate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_built_in_name_that_does_not_exist_is_refused_with_the_nearest() {
        for (pattern, near) in [
            ("ticket.update", "ticket.updated"),
            ("ticket.craeted", "ticket.created"),
            ("call.fancy", "call."),
            ("agent.state", "agent.state.changed"),
            ("agent.status.*", "agent.state."),
            ("webhook.fail", "webhook.failing"),
        ] {
            let why = validate(pattern).unwrap_err();
            let first = why.split("near it are ").nth(1).unwrap();
            assert!(first.starts_with(near), "{pattern}: {why}");
        }
    }

    #[test]
    fn a_subscription_tells_every_fault_with_its_place() {
        let list =
            |patterns: &[&str]| patterns.iter().map(|p| String::from(*p)).collect::<Vec<_>>();
        assert_eq!(validate_all(&list(&["*", "ticket.*"])), Ok(()));
        let at = |faults: Vec<(usize, String)>| faults.into_iter().map(|f| f.0).collect::<Vec<_>>();
        let faults = validate_all(&list(&["ticket.nope", "*", "NO"])).unwrap_err();
        assert_eq!(at(faults), [0, 2]);
        assert_eq!(at(validate_all(&[]).unwrap_err()), [0]);
        assert_eq!(validate_all(&list(&["*"; 50])), Ok(()));
        assert_eq!(at(validate_all(&list(&["*"; 51])).unwrap_err()), [50]);
    }

    #[test]
    fn the_edit_distance_counts_the_fewest_changes() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("same", "same", 0),
        ] {
            assert_eq!(edit_distance(a, b), expected, "{a} {b}");
        }
    }
}
