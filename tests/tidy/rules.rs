//! The rules, each a function that names the lines of a file which break it.

use super::{
    File,
    code::{named, tokens},
};

/// The floors from the ground up; imports go down, or stay on their floor.
pub(crate) const FLOORS: [&[&str]; 6] = [
    // Words: no I/O.
    &["event", "error", "id", "time", "exit"],
    // Machinery: knows no ticket.
    &["db", "bell", "hub", "auth", "config", "logging"],
    // The threshold.
    &["http"],
    // Rooms: know no socket.
    &[
        "tickets",
        "comments",
        "attachments",
        "articles",
        "users",
        "teams",
        "tenants",
        "accounts",
        "notifications",
        "agents",
        "board",
        "calls",
        "chats",
        "search",
        "reports",
        "webhooks",
        "bins",
        "pbx",
        "events",
        "retention",
        "sync",
        "erasure",
    ],
    // Doors: know no SQL.
    &["pages", "ws", "socketio", "sse"],
    // The whole, put together.
    &["app", "listen", "routes", "cli", "main", "lib"],
];

const ROOMS: usize = 3;
const DOORS: usize = 4;

/// Longest file of code, lines.
const LINES_MAX: usize = 400;

/// Widest line of Rust, characters.
const COLUMNS_MAX: usize = 100;

/// Files that may be longer, each with the reason why splitting it would make it worse.
const ARGUED: &[(&str, &str)] = &[(
    "assets/widget.js",
    "other sites embed one script: parts of it would need a build step, or CORS for modules",
)];

/// Names that may stand only in some places: name, where, why.
type Fence = (&'static [&'static str], fn(&Place<'_>) -> bool, &'static str);

const FENCES: &[Fence] = &[
    (&["rusqlite"], |at| at.module == "db" || at.is_sql(), "SQL lives in db/ and sql.rs"),
    (&["r2d2", "r2d2_sqlite"], |at| at.module == "db", "the pool lives in db/"),
    (
        &["axum"],
        |at| at.speaks_http(),
        "only the threshold, doors, http.rs, and the files that wire them",
    ),
    (
        &["ureq"],
        |at| at.path.starts_with("src/webhooks/post") || at.path == "src/cli/remote.rs",
        "the server has one HTTP agent, in webhooks/post, and commands one, in cli/remote.rs",
    ),
    (&["SystemTime"], |at| at.module == "time", "the clock is read in time.rs only"),
    (&["Timestamp", "::", "now"], |at| at.module == "time", "the clock is read in time.rs only"),
    (&["Uuid", "::", "now_v7"], |_| false, "ids carry the time of the clock: id::uuid_v7"),
];

/// Where in the house a file of `src/` stands.
struct Place<'a> {
    path: &'a str,
    /// The first module below the root.
    module: &'a str,
}

impl<'a> Place<'a> {
    fn of(file: &'a File) -> Option<Self> {
        let inner = file.path.strip_prefix("src/")?;
        let first = inner.split('/').next()?;
        let module = first.strip_suffix(".rs").unwrap_or(first);
        file.path.ends_with(".rs").then_some(Self { path: &file.path, module })
    }

    fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn is_sql(&self) -> bool {
        self.file_name() == "sql.rs"
    }

    fn speaks_http(&self) -> bool {
        let door = floor(self.module) == Some(DOORS);
        door || matches!(self.module, "http" | "app" | "listen" | "routes")
            || self.file_name() == "http.rs"
    }
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&module))
}

/// Every offence as `file:line: what is wrong`.
pub(crate) fn inspect(files: &[File]) -> Vec<String> {
    let mut offences = Vec::new();
    for file in files {
        let mut say = |line: usize, what: &str| {
            offences.push(format!("{}:{line}: {what}", file.path));
        };
        if let Some(place) = Place::of(file) {
            imports_go_down(file, &place, &mut say);
            fences(file, &place, &mut say);
        }
        shape(file, &mut say);
        words(file, &mut say);
        if file.path.starts_with("assets/") {
            pages_ask_nobody_else(file, &mut say);
        }
    }
    migrations(files, &mut offences);
    offences
}

type Say<'a> = &'a mut dyn FnMut(usize, &str);

fn imports_go_down(file: &File, place: &Place<'_>, say: Say<'_>) {
    let Some(own) = floor(place.module) else {
        return say(1, &format!("{} is on no floor of tests/tidy/rules.rs", place.module));
    };
    for import in named(&file.code) {
        let target = import.path[0].as_str();
        let is_module = target.starts_with(|c: char| c.is_ascii_lowercase());
        let second = import.path.get(1).map_or("", String::as_str);
        let role = target == "auth" && second == "Role";
        if !is_module || target == place.module || target == "self" || role {
            continue;
        }
        let from = place.module;
        match floor(target) {
            None => say(import.line, &format!("{target} is on no floor of tests/tidy/rules.rs")),
            Some(there) if there > own => {
                say(import.line, &format!("{from} is below {target} and must not know it"));
            }
            Some(ROOMS) if own == ROOMS && second == "http" => {
                say(import.line, &format!("{from} calls the handlers of {target}, use its types"));
            }
            Some(_) => {}
        }
    }
    for (line, text) in file.code.lines().enumerate() {
        if text.contains("super::super::") {
            say(line + 1, "say crate:: instead of climbing");
        }
    }
}

fn fences(file: &File, place: &Place<'_>, say: Say<'_>) {
    let tokens = tokens(&file.code);
    for (name, allowed, why) in FENCES {
        if allowed(place) {
            continue;
        }
        for at in tokens.windows(name.len()) {
            if at.iter().map(|token| token.1).eq(name.iter().copied()) {
                say(at[0].0, &format!("{}: {why}", name.concat()));
            }
        }
    }
}

/// How long, how wide, and how it begins.
fn shape(file: &File, say: Say<'_>) {
    let path = file.path.as_str();
    let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    let lines = file.text.lines().count();
    let argued = ARGUED.iter().any(|(name, why)| *name == path && !why.is_empty());
    if ends(&[".rs", ".js", ".css", ".html", ".sql", ".sh", ".py"]) && (lines > LINES_MAX) != argued
    {
        let what = if argued { "no longer needs its exception from" } else { "longer than" };
        say(lines, &format!("{what} {LINES_MAX} lines"));
    }
    if !ends(&[".rs"]) {
        return;
    }
    if !file.text.starts_with("//! ") {
        say(1, "begin with one //! sentence on what the file is for");
    }
    for (line, text) in file.text.lines().enumerate() {
        if text.chars().count() > COLUMNS_MAX {
            say(line + 1, &format!("wider than {COLUMNS_MAX} columns"));
        }
    }
}

/// Words that stand nowhere in the repository.
fn words(file: &File, say: Say<'_>) {
    const UNFINISHED: [&str; 2] = ["TODO", "FIXME"];
    const MACROS: [&str; 2] = ["todo!", "unimplemented!"];
    const MACHINE: [&str; 2] = ["/root/", "/home/"];
    if file.is_inspection() {
        return;
    }
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    for (line, text) in file.text.lines().enumerate() {
        for word in UNFINISHED {
            let whole = text.match_indices(word).any(|(at, _)| {
                let (before, after) = (&text[..at], &text[at + word.len()..]);
                !letter(before.chars().next_back()) && !letter(after.chars().next())
            });
            if whole {
                say(line + 1, &format!("{word}: finish it, or write an issue"));
            }
        }
        for path in MACHINE {
            let absolute = text.match_indices(path).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                !letter(before) && !matches!(before, Some('.' | '}' | ')'))
            });
            if absolute {
                say(line + 1, &format!("{path}: a path of one machine"));
            }
        }
    }
    for (line, text) in file.code.lines().enumerate() {
        for word in MACROS.into_iter().filter(|word| text.contains(word)) {
            say(line + 1, &format!("{word} is a stub"));
        }
    }
}

/// Pages work on a plane and under their own CSP: no other host, nothing inline.
fn pages_ask_nobody_else(file: &File, say: Say<'_>) {
    let ends = |endings: &[&str]| endings.iter().any(|ending| file.path.ends_with(ending));
    if !ends(&[".html", ".css", ".js", ".svg"]) {
        return;
    }
    for (line, text) in file.text.lines().enumerate() {
        let mut complain = |broken: bool, what: &str| {
            if broken {
                say(line + 1, what);
            }
        };
        complain(names_a_host(text), "another host");
        if ends(&[".css"]) {
            continue;
        }
        complain(attribute(text, |name| name == "style"), "an inline style breaks the CSP");
        complain(text.contains("<style"), "an inline style breaks the CSP");
        let handler = |name: &str| name.len() > 2 && name.starts_with("on");
        complain(attribute(text, handler), "an inline handler breaks the CSP");
        let bare = text.split("<script").skip(1).any(|tag| {
            let head = tag.split('>').next().unwrap_or_default();
            !head.contains("src=")
        });
        let address = ["\"javascript:", "'javascript:"].iter().any(|begin| text.contains(begin));
        complain(bare || address, "an inline script breaks the CSP");
    }
}

/// Whether the line asks another host for something. Names of XML dialects are only names, and a
/// placeholder only shows what an address looks like.
fn names_a_host(text: &str) -> bool {
    ["http://", "https://", "(//", "\"//", "'//"].into_iter().any(|scheme| {
        text.match_indices(scheme).any(|(at, _)| {
            let (before, host) = (&text[..at], &text[at + scheme.len()..]);
            host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
                && !host.starts_with("www.w3.org/")
                && !before.ends_with("placeholder=\"")
                && !before.ends_with("placeholder: \"")
        })
    })
}

/// Whether markup in the line sets an attribute that `is_it` recognises.
fn attribute(text: &str, is_it: impl Fn(&str) -> bool) -> bool {
    text.match_indices("=\"").any(|(at, _)| {
        let name = text[..at].rsplit(|c: char| c.is_whitespace() || c == '"').next();
        let led_by_space = text[..at].contains(char::is_whitespace);
        led_by_space
            && name.is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphabetic()) && is_it(name))
    })
}

/// `NNNN_what.sql`, lower case, no number left out.
fn migrations(files: &[File], offences: &mut Vec<String>) {
    let names = files.iter().filter_map(|file| file.path.strip_prefix("migrations/"));
    for (at, name) in names.enumerate() {
        let number = format!("{:04}_", at + 1);
        let what = name.strip_prefix(&number).and_then(|rest| rest.strip_suffix(".sql"));
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !what.is_some_and(|what| !what.is_empty() && what.bytes().all(good)) {
            offences.push(format!("migrations/{name}:1: expected {number}what.sql, lower case"));
        }
    }
}
