//! The knowledge base of the demonstration.

/// Where articles stand.
pub(in crate::cli::demo) const CATEGORIES: [&str; 3] =
    ["Care and repair", "Orders and shipping", "Brewing"];

/// An article as it is written at first, and a paragraph that comes and goes.
pub(in crate::cli::demo) struct Article {
    pub(in crate::cli::demo) title: &'static str,
    /// Which of [`CATEGORIES`].
    pub(in crate::cli::demo) category: usize,
    pub(in crate::cli::demo) excerpt: &'static str,
    pub(in crate::cli::demo) body: &'static str,
    pub(in crate::cli::demo) more: &'static str,
    /// `published` or `draft`.
    pub(in crate::cli::demo) status: &'static str,
    /// `public` or `internal`.
    pub(in crate::cli::demo) visibility: &'static str,
    pub(in crate::cli::demo) tags: &'static [&'static str],
}

pub(in crate::cli::demo) const ARTICLES: [Article; 10] = [
    Article {
        title: "What E1 to E6 on the Orsa mean",
        category: 0,
        excerpt: "Six faults, what causes them, and what you can do yourself.",
        body: "E1: no water in the tank.\n\nE2: the drip tray is full.\n\nE3: boiler too hot; \
            let it cool down for ten minutes.\n\nE4: too little water reaches the pump. Press \
            the valve of the tank ten times.\n\nE5: no network.\n\nE6: please write to us.",
        more: "If E4 comes back within a week, the filter in the tank has to be changed.",
        status: "published",
        visibility: "public",
        tags: &["orsa", "faults"],
    },
    Article {
        title: "Descaling, step by step",
        category: 0,
        excerpt: "Half an hour, once in a while, and your machine lives for years.",
        body: "1. Fill the tank with a litre of water and one bag of descaler.\n2. Choose Care, \
            then Descale.\n3. Follow the display.\n4. Rinse twice with fresh water.",
        more: "Never use vinegar: it eats the seals.",
        status: "published",
        visibility: "public",
        tags: &["orsa", "care"],
    },
    Article {
        title: "Water under the machine",
        category: 0,
        excerpt: "Cold water comes from a hose, warm water from a seal.",
        body: "Unplug the machine first. Cold water overnight: the overflow hose has slipped off \
            its place behind the tank. Warm water during a shot: the seal of the portafilter is \
            worn.",
        more: "Both parts are sent free of charge within the first three years.",
        status: "published",
        visibility: "public",
        tags: &["orsa", "leak"],
    },
    Article {
        title: "Connecting the Orsa to your network",
        category: 0,
        excerpt: "It needs 2.4 GHz and a password without spaces at its end.",
        body: "Open the app, choose Add a machine, and hold the left key until the lamp blinks. \
            The machine speaks 2.4 GHz only.",
        more: "Routers that move devices between bands lose it: switch band steering off.",
        status: "published",
        visibility: "public",
        tags: &["orsa", "network"],
    },
    Article {
        title: "How long a parcel takes",
        category: 1,
        excerpt: "Two days, three to islands and mountains.",
        body: "What is ordered before noon leaves on the same day. Within the country it takes \
            two days, to islands three.",
        more: "In December please add a day.",
        status: "published",
        visibility: "public",
        tags: &["shipping"],
    },
    Article {
        title: "Returning something",
        category: 1,
        excerpt: "Thirty days, free of charge, used or not.",
        body: "Print the label in your account, under the order, and bring the parcel to any \
            post office. The money goes back on the day on which it arrives.",
        more: "No printer? Ask us for a code that they can scan.",
        status: "published",
        visibility: "public",
        tags: &["return"],
    },
    Article {
        title: "Pausing and changing a subscription",
        category: 1,
        excerpt: "Any time until the evening before the bag is packed.",
        body: "Open your account, choose Subscription, and move the next date. A pause lasts as \
            long as you like.",
        more: "A pause of more than six months keeps your price.",
        status: "draft",
        visibility: "public",
        tags: &["subscription"],
    },
    Article {
        title: "Grind settings of the Vela",
        category: 2,
        excerpt: "Where to begin for espresso, moka pot, filter and French press.",
        body: "Espresso 4 to 7. Moka pot 10 to 12. Filter 22 to 26. French press 30.\n\nChange \
            one step at a time, and throw away the first two grams.",
        more: "Light roasts like it two steps finer.",
        status: "published",
        visibility: "public",
        tags: &["vela", "brewing"],
    },
    Article {
        title: "When a customer may keep the broken one",
        category: 1,
        excerpt: "For staff: what we do not want back.",
        body: "Glass, seals, hoses, lids and everything below 40.00: no return needed. Machines \
            and grinders always come back, with a label of ours.",
        more: "Carriers want a picture of the box within seven days.",
        status: "published",
        visibility: "internal",
        tags: &["return"],
    },
    Article {
        title: "Cold brew in the fridge",
        category: 2,
        excerpt: "Eighty grams, a litre, fourteen hours.",
        body: "Grind as for a French press. Eighty grams of coffee to a litre of cold water, \
            fourteen hours in the fridge, then through a paper filter. It keeps for four days.",
        more: "With a slice of orange it is even better.",
        status: "draft",
        visibility: "public",
        tags: &["brewing"],
    },
];
