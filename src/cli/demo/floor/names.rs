//! Who calls without being a customer, what calls are about, and what is noted of them.

/// The number that is called; like all here, from a range that belongs to nobody.
pub(super) const OUR_NUMBER: &str = "+44 20 7946 0100";

/// The queues, as the teams have them.
pub(in crate::cli::demo) const QUEUES: [&str; 3] = ["orders", "repairs", "billing"];

/// Names that come with unknown numbers; some come without.
pub(super) const STRANGERS: [&str; 16] = [
    "Priya Nair",
    "Tomás Herrera",
    "Aoife Brennan",
    "Lukas Vogel",
    "Sofia Rossi",
    "Malik Johnson",
    "Zofia Kowalska",
    "Henrik Dahl",
    "Amara Eze",
    "Noor Rahimi",
    "Café Morgenrot",
    "Roastery Nine",
    "Hotel Lindenhof",
    "",
    "",
    "",
];

/// What it was about, and what was noted.
pub(super) const NOTES: [(&str, &str); 8] = [
    ("order status", "Parcel is in Leeds, comes tomorrow before noon."),
    ("order status", "Wrong street number, changed it with the carrier."),
    ("repair", "Grinder blocks on the finest step; sends it in, label by mail."),
    ("repair", "Kettle stays cold. Fuse was out, works again."),
    ("how to", "Descaled it together while on the line."),
    ("invoice", "Needs the VAT number on it; new invoice goes out today."),
    ("complaint", "Second time that the lid was cracked. Sent a new one for free."),
    ("wrong number", ""),
];
