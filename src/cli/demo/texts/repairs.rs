//! Stories of grinders, kettles and machines that do not do what they should.

use super::{
    Desk::{Orders, Repairs},
    Line::{Agent, Customer, File, Note},
    Story,
};
use crate::tickets::Priority::{High, Low, Normal, Urgent};

pub(super) const STORIES: &[Story] = &[
    Story {
        subject: "Orsa shows E4 and stops after a second",
        description: "Since this morning the machine shows E4 as soon as I start a shot. The \
            tank is full and I have cleaned the filter. We open at eight, so this is a bit of a \
            problem.",
        desk: Some(Repairs),
        priority: Urgent,
        tags: &["orsa", "e4"],
        lines: &[
            File("error-log.txt"),
            Agent(
                "E4 means that the pump gets too little water. Please take the tank out, press \
                 the valve at its bottom ten times, and fill it again. Does the fault come back?",
            ),
            Customer(
                "Ten times did it! First shot is running through. Thank you for being so quick.",
            ),
            Note("Third sticking tank valve this month. Worth telling production."),
        ],
    },
    Story {
        subject: "Vela grinder is much louder than last week",
        description: "It used to hum, now it rattles, mostly when it is nearly empty. Is that \
            wear, or is something in there?",
        desk: Some(Repairs),
        priority: Normal,
        tags: &["vela", "noise"],
        lines: &[
            Agent(
                "That sounds like a small stone. Could you take off the upper burr and have a \
                 look?",
            ),
            Customer(
                "Found it: a pebble, about the size of a lentil. How does that get into coffee?",
            ),
            Agent(
                "It happens with every harvest, sadly. If the burr has no visible notch you can \
                 go on using it. If it has one we send you a new one.",
            ),
        ],
    },
    Story {
        subject: "Kettle stops at 80 degrees",
        description: "My Arc kettle is set to 94 degrees but switches off at 80 every time.",
        desk: Some(Repairs),
        priority: Normal,
        tags: &["arc", "temperature"],
        lines: &[
            Note("Batch 2231 had the wrong sensor firmware, ask for the serial number."),
            Agent(
                "Could you tell me the serial number? It stands under the base, beginning with AR.",
            ),
            Customer("AR-2231-0487"),
            Agent(
                "Thank you. That one gets a new base from us, free of charge. It leaves tomorrow.",
            ),
        ],
    },
    Story {
        subject: "How often should I descale?",
        description: "The manual says every 200 litres, the app says every month. Which is \
            right? Our water is rather hard.",
        desk: Some(Repairs),
        priority: Low,
        tags: &["orsa", "care"],
        lines: &[
            Agent(
                "The app counts what your machine really used, so follow the app. With hard \
                 water you can set 15 dH in its settings, and it will ask a little earlier.",
            ),
            Customer("Did not know that setting. Thanks!"),
        ],
    },
    Story {
        subject: "Steam wand drips all the time",
        description: "A drop every three seconds, also when the machine is only warming up.",
        desk: Some(Repairs),
        priority: Normal,
        tags: &["orsa", "steam"],
        lines: &[
            Agent("Is it water or steam that comes out, and does turning the knob further help?"),
            Customer("Water. Turning it really hard stops it for a while."),
            Note("Seal 11-204. We have about forty of them."),
            Agent(
                "Then the seal of the valve is worn. I am sending you a new one with a short \
                 description; it takes ten minutes and one spanner.",
            ),
            Customer("Arrived and fitted. Dry as a bone now."),
        ],
    },
    Story {
        subject: "Scale does not switch on with new batteries",
        description: "Changed the batteries twice, nothing on the display.",
        desk: Some(Repairs),
        priority: Low,
        tags: &["scale"],
        lines: &[
            Agent("Please check whether the small orange strip is still between the contacts."),
            Customer("It was. I feel a little silly now."),
            Agent("You are the fifth this week, so the strip is at fault and not you."),
        ],
    },
    Story {
        subject: "Machine does not find our network",
        description: "We have a new router, and the Orsa does not see it any more. The old \
            network had the same name and password.",
        desk: Some(Repairs),
        priority: High,
        tags: &["orsa", "network"],
        lines: &[
            File("wifi-scan.txt"),
            Agent(
                "Thank you for the list. The machine speaks 2.4 GHz only, and your router moves \
                 it to 5 GHz. Please switch off 'band steering' for it.",
            ),
            Customer("Found the switch, it is connected. Maybe write that on the box?"),
            Note("He is right. Article about networks should say it in its first line."),
        ],
    },
    Story {
        subject: "Which burr for filter coffee?",
        description: "I use the Vela for espresso now and would like to brew filter on weekends. \
            Do I need another burr?",
        desk: None,
        priority: Low,
        tags: &["vela", "advice"],
        lines: &[
            File("grind-settings.csv"),
            Agent(
                "With the standard burr, settings 22 to 26 are good for filter. The other burr \
                 makes a difference only for very light roasts.",
            ),
            Customer("24 tastes wonderful. No need for another one, then."),
        ],
    },
    Story {
        subject: "Portafilter stuck in the machine",
        description: "I cannot turn it out any more. I do not dare to use more force.",
        desk: Some(Repairs),
        priority: High,
        tags: &["orsa"],
        lines: &[
            Agent(
                "Please let it cool down completely first, then hold the machine and turn slowly.",
            ),
            Customer("Two hours later: it moves. Is the seal to blame?"),
            Agent("Yes, it swells with old coffee oil. A new seal is on its way to you."),
        ],
    },
    Story {
        subject: "Display shows Chinese after the update",
        description: "Pretty, but I cannot read it. The update was yesterday evening.",
        desk: Some(Repairs),
        priority: Normal,
        tags: &["orsa", "update"],
        lines: &[
            Note("Known with 4.2.0, fixed in 4.2.1, which goes out tonight."),
            Agent(
                "Hold the left and the right key for five seconds, then the second line is \
                 English.",
            ),
            Customer("Back in English. Thank you."),
        ],
    },
    Story {
        subject: "Lid of the grinder has a crack",
        description: "It fell from the counter, so this is my own fault. Can I buy one?",
        desk: Some(Orders),
        priority: Low,
        tags: &["vela", "spare part"],
        lines: &[
            Agent("You can: it costs 12.50, and we have it. To the same address as in spring?"),
            Customer("Yes, please, the same address."),
            Agent("It is in tomorrow's parcel. The invoice comes with it."),
        ],
    },
    Story {
        subject: "Water under the machine",
        description: "About a cup of water each night. The tank does not seem to leak.",
        desk: Some(Repairs),
        priority: Urgent,
        tags: &["orsa", "leak"],
        lines: &[
            Agent("Please unplug it for now. Is the water warm or cold when you find it?"),
            Customer("Cold. It only happens overnight."),
            Note("Cold and overnight is the overflow hose, not the boiler. No safety matter."),
            Agent(
                "Then it is the overflow hose, which has slipped off. The third picture in our \
                 article on leaks shows where it belongs.",
            ),
            Customer("It hung beside its place. Dry this morning!"),
        ],
    },
    Story {
        subject: "App forgets my recipes",
        description: "Each time I open the app my own recipes are gone until I sign in again.",
        desk: None,
        priority: Normal,
        tags: &["app"],
        lines: &[
            Agent(
                "Which phone is it, and which version does the app show at the bottom of 'About'?",
            ),
            Customer("A three-year-old one, version 2.9."),
            Agent("Thank you. 2.10 keeps them, it should be offered to you today."),
        ],
    },
];
