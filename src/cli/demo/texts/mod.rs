//! What is told in the demonstration: the help desk of Northlight, a small maker of coffee gear.

mod articles;
mod orders;
mod repairs;

pub(super) use articles::{ARTICLES, Article, CATEGORIES};

use crate::tickets::Priority;

/// A matter of a customer from its beginning to its end.
pub(super) struct Story {
    /// In one line; `{n}` becomes a number of an order.
    pub(super) subject: &'static str,
    /// What the customer writes at first.
    pub(super) description: &'static str,
    /// Who looks after it; without one all staff hear of it.
    pub(super) desk: Option<Desk>,
    /// How urgent it is.
    pub(super) priority: Priority,
    /// Words to find it by.
    pub(super) tags: &'static [&'static str],
    /// What is said on it, in order.
    pub(super) lines: &'static [Line],
}

/// A team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Desk {
    /// Parcels and subscriptions.
    Orders,
    /// Grinders, kettles, machines.
    Repairs,
    /// Invoices and money.
    Billing,
}

/// Something said or sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line {
    /// By the customer.
    Customer(&'static str),
    /// To the customer.
    Agent(&'static str),
    /// Among staff.
    Note(&'static str),
    /// A file of the customer, which stands in [`FILES`].
    File(&'static str),
}

/// The story of that number, counted around. Both halves are of one length.
pub(super) fn story(number: usize) -> Option<&'static Story> {
    let all = [repairs::STORIES, orders::STORIES];
    let count = all.iter().map(|part| part.len()).sum::<usize>().max(1);
    // One from here, one from there, so that teams get work in turn.
    let at = number % count;
    let [first, second] = all;
    let half = if at.is_multiple_of(2) { first } else { second };
    half.get(at / 2)
}

/// What customers send along, by its name.
pub(super) const FILES: [(&str, &str); 5] = [
    (
        "error-log.txt",
        "07:12:04 boiler 93.1 C target 93.0\n07:12:09 pump start\n07:12:10 pump current 2.9 \
         A\n07:12:10 fault E4 flow too low\n07:12:11 pump stop\n07:14:31 pump start\n07:14:32 \
         fault E4 flow too low\n",
    ),
    (
        "grind-settings.csv",
        "setting,seconds,grams\n4,21.4,18.0\n5,24.9,18.1\n6,29.8,18.0\n7,41.2,17.9\n",
    ),
    (
        "delivery-note.txt",
        "NORTHLIGHT\nDelivery note\n\n1 x Arc kettle, matt black\n2 x House blend, 1 kg\n0 x \
         Paper filters, size 4 (follows separately)\n",
    ),
    (
        "invoice-question.csv",
        "position,ordered,billed,price\nHouse blend 1 \
         kg,2,3,21.50\nDescaler,1,1,7.90\nShipping,1,1,4.90\n",
    ),
    (
        "wifi-scan.txt",
        "SSID            channel  band     signal\nHarbourCafe     6        2.4 GHz  \
         -51\nHarbourCafe-5G  44       5 GHz    -63\nguest           11       2.4 GHz  -70\n",
    ),
];

/// What customers say when it was not over after all.
pub(super) const AGAIN: [&str; 5] = [
    "Sorry to come back to this: it happened again this morning.",
    "It worked for a few days, and now it is the same as before.",
    "One more question about this, if I may.",
    "I had to open this again, the second one does the same.",
    "This is back. I have not changed anything since.",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn all() -> Vec<&'static Story> {
        let count = repairs::STORIES.len() + orders::STORIES.len();
        (0..count).filter_map(story).collect()
    }

    #[test]
    fn every_story_is_told_once_before_the_first_is_told_again() {
        let subjects: BTreeSet<_> = all().iter().map(|story| story.subject).collect();
        assert_eq!(subjects.len(), repairs::STORIES.len() + orders::STORIES.len());
        assert!(subjects.len() >= 24, "{}", subjects.len());
        assert_eq!(story(subjects.len()).unwrap().subject, story(0).unwrap().subject);
    }

    #[test]
    fn every_story_has_an_answer_and_its_files_are_there() {
        for story in all() {
            assert!(
                story.lines.iter().any(|line| matches!(line, Line::Agent(_))),
                "{}",
                story.subject
            );
            for line in story.lines {
                if let Line::File(name) = line {
                    assert!(FILES.iter().any(|(file, _)| file == name), "{name}");
                }
            }
        }
    }
}
