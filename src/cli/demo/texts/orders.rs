//! Stories of parcels, subscriptions and money.

use super::{
    Desk::{Billing, Orders},
    Line::{Agent, Customer, File, Note},
    Story,
};
use crate::tickets::Priority::{High, Low, Normal, Urgent};

pub(super) const STORIES: &[Story] = &[
    Story {
        subject: "Order {n}: filters are missing",
        description: "The parcel came today, thank you, but there were no filters in it.",
        desk: Some(Orders),
        priority: Normal,
        tags: &["parcel"],
        lines: &[
            File("delivery-note.txt"),
            Agent(
                "I see it on the note: they follow in a second parcel, which leaves on Thursday.",
            ),
            Customer("Ah, I did not read that far. Then all is well."),
        ],
    },
    Story {
        subject: "Where is order {n}?",
        description: "Tracking has said 'on its way' for six days now. It is a birthday present, \
            and the birthday is on Saturday.",
        desk: Some(Orders),
        priority: High,
        tags: &["parcel", "late"],
        lines: &[
            Note("Carrier says it has stood in the wrong depot since Monday."),
            Agent(
                "The carrier has sent it to the wrong depot. I have a second one packed for you; \
                 it arrives on Friday. Please send the late one back when it comes.",
            ),
            Customer("That is more than I hoped for. Thank you!"),
            Customer("Friday, ten o'clock: it is here. You saved a birthday."),
        ],
    },
    Story {
        subject: "Invoice for order {n} has three bags instead of two",
        description: "We ordered two bags of the house blend and were billed for three.",
        desk: Some(Billing),
        priority: Normal,
        tags: &["invoice"],
        lines: &[
            File("invoice-question.csv"),
            Note("Packing list says two. The mistake is ours."),
            Agent("You are right, and we are sorry. 21.50 go back to your card today."),
            Customer("Seen it on the card this morning. Thanks for the quick help."),
        ],
    },
    Story {
        subject: "Pause the subscription over the summer",
        description: "The café is closed from the middle of July to the end of August. Can the \
            beans wait?",
        desk: Some(Orders),
        priority: Low,
        tags: &["subscription"],
        lines: &[
            Agent(
                "Of course. I have paused it from 14 July to 28 August; the next bag comes on \
                 the 30th.",
            ),
            Customer("Perfect. Have a good summer!"),
        ],
    },
    Story {
        subject: "Paid twice for order {n}",
        description: "The page hung, I pressed again, and now there are two payments on my card.",
        desk: Some(Billing),
        priority: High,
        tags: &["payment"],
        lines: &[
            Note("Second one is only reserved, not booked. It drops out after five days."),
            Agent(
                "The second payment is only reserved and will not be taken. It disappears within \
                 five days. If it does not, write here and I send it back myself.",
            ),
            Customer("Gone already. Good to know."),
        ],
    },
    Story {
        subject: "Change of address for order {n}",
        description: "We have moved, and the order still goes to the old shop.",
        desk: Some(Orders),
        priority: High,
        tags: &["address"],
        lines: &[
            Agent("It has not left yet. To which address may I send it?"),
            Customer("14 Harbour Lane, second floor. The bell says Mole Coffee."),
            Agent("Changed, for this order and for the next ones."),
        ],
    },
    Story {
        subject: "Beans taste different from the last bag",
        description: "Same blend, same settings, but this one is sharper. Is the roast another \
            one?",
        desk: None,
        priority: Normal,
        tags: &["beans"],
        lines: &[
            Agent("What is the date on the back of the bag, please?"),
            Customer("It says roasted on the 3rd."),
            Note("That is the batch with the new Guji. Roastery knows."),
            Agent(
                "This batch has some of the new harvest in it. Two settings finer and one degree \
                 less bring it back to what you know.",
            ),
            Customer("One degree less was the trick."),
        ],
    },
    Story {
        subject: "Can you deliver to an island?",
        description: "We are on Föhr, and the carrier wants an extra day and an extra fee.",
        desk: Some(Orders),
        priority: Low,
        tags: &["shipping"],
        lines: &[
            Agent("We can, and the fee is ours from 60.00 on. It takes a day longer in winter."),
            Customer("Then I order now. Thank you."),
        ],
    },
    Story {
        subject: "Need an invoice with our VAT number",
        description: "Our accountant sends the invoice for order {n} back: our VAT number is not \
            on it.",
        desk: Some(Billing),
        priority: Normal,
        tags: &["invoice", "vat"],
        lines: &[
            Agent("Please send me the number, and I make it out anew."),
            Customer("DE123456789, and 'Mole Coffee GmbH' in full, please."),
            Agent("Done. You find the new one in your account, the old one is void."),
        ],
    },
    Story {
        subject: "Order {n} arrived with a broken carafe",
        description: "The box is dented on one side, and the carafe is in pieces.",
        desk: Some(Orders),
        priority: Urgent,
        tags: &["parcel", "damage"],
        lines: &[
            Agent(
                "I am sorry. Nobody is hurt, I hope? A new one leaves today, you need send \
                 nothing back.",
            ),
            Customer("Nobody, no. That is kind of you."),
            Note("Second dented box from this carrier this week. Talk to them on Monday."),
            Customer("The new one is here, and whole."),
        ],
    },
    Story {
        subject: "Discount for a school?",
        description: "Our pupils run a small coffee bar, and we would like to buy two machines.",
        desk: Some(Billing),
        priority: Normal,
        tags: &["offer"],
        lines: &[
            Note("Head of sales says 15 percent for schools, and the training is free."),
            Agent(
                "We like that very much: 15 percent on both machines, and somebody of ours comes \
                 for an afternoon and shows how to use them.",
            ),
            Customer("The pupils are cheering. We take both."),
        ],
    },
    Story {
        subject: "Gift card does not work",
        description: "The page says that the code is not known. It was a present.",
        desk: Some(Billing),
        priority: Normal,
        tags: &["gift card"],
        lines: &[
            Agent("Could it be that the last letter is an O and no zero?"),
            Customer("It is! Worked at once."),
        ],
    },
    Story {
        subject: "Return of order {n}",
        description: "The grinder is fine, but it does not fit under our shelf. Can I return it?",
        desk: Some(Orders),
        priority: Low,
        tags: &["return"],
        lines: &[
            Agent("Within thirty days, yes. The label is in your account, under the order."),
            Customer("Brought it to the post office just now."),
            Note("Arrived, looks unused."),
            Agent("It has arrived. The money goes back today; banks take two or three days."),
        ],
    },
];
