//! The house inspects itself: what ARCHITECTURE promises about files and imports is checked here.
//!
//! A rule looks at one file and names the lines that break it. When the code asks for another
//! floor plan, change [`FLOORS`] in the same commit. No rule runs the code; all take milliseconds.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "an inspection that trips over a file fails its test, which is what it is for"
)]

#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/rules.rs"]
mod rules;

use std::{fs, path::Path};

/// One text file of the repository.
#[derive(Debug)]
struct File {
    /// Its path from the root, with `/`.
    path: String,
    /// All of it.
    text: String,
    /// Rust only: the text without comments and literals, line for line.
    code: String,
}

impl File {
    fn new(path: &str, text: String) -> Self {
        let code = if path.ends_with(".rs") { code::strip(&text) } else { String::new() };
        Self { path: path.into(), text, code }
    }

    /// Whether it is this inspection, which has to spell out what it forbids.
    fn is_inspection(&self) -> bool {
        self.path.starts_with("tests/tidy")
    }
}

/// All text files, but for what `.gitignore` names.
fn repository() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignored = fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
    let mut skip: Vec<_> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    skip.push(".git");
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(&folder).expect("the folder can be listed").flatten() {
            let path = item.path();
            if skip.iter().any(|name| item.file_name() == *name) {
                continue;
            } else if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(root).expect("it lies in the root");
                files.push(File::new(&path.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

#[test]
fn the_house_is_tidy() {
    let offences = rules::inspect(&repository());
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

#[test]
fn the_inspection_sees_the_house() {
    let files = repository();
    for path in ["src/lib.rs", "src/event/kind.rs", "assets/catalogue/ticket.json", "Cargo.toml"] {
        assert!(files.iter().any(|file| file.path == path), "{path} was not looked at");
    }
    assert!(!files.iter().any(|file| file.path.starts_with("target/")));
}

/// A file, and a part of the one complaint about it; an empty part where all is well.
type Case = (&'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    ("src/hub/a.rs", "//! A.\nuse crate::{\n    db::Db,\n    tickets::Ticket,\n};\n", ":4: hub"),
    ("src/hub/a.rs", "//! A.\nfn f() { crate::ws::send() }\n", ":2: hub is below ws"),
    ("src/hub/a.rs", "//! A.\nuse crate::{db::{Db, log}, error::Result};\n", ""),
    ("src/hub/a.rs", "//! `crate::ws` hears.\n/* crate::ws */ // crate::ws\n", ""),
    ("src/hub/a.rs", "//! A.\nconst A: &str = r#\"crate::ws \" \"#; // crate::ws\n", ""),
    ("src/hub/a.rs", "//! A.\nfn f<'a>(c: &'a char) { c == &'\"'; crate::ws::a() }\n", "below ws"),
    ("src/event/mod.rs", "//! A.\nuse crate::auth::Role;\n", ""),
    ("src/event/mod.rs", "//! A.\nuse crate::auth::{Role, token};\n", "event is below auth"),
    ("src/tickets/mod.rs", "//! A.\nuse crate::comments::Comment;\n", ""),
    (
        "src/tickets/mod.rs",
        "//! A.\nuse crate::comments::http::list;\n",
        "the handlers of comments",
    ),
    (
        "src/tickets/http.rs",
        "//! A.\nuse crate::tickets::http::list;\nuse crate::http::Caller;\n",
        "",
    ),
    ("src/tickets/sql.rs", "//! A.\nuse super::super::ws;\n", "say crate::"),
    ("src/routes.rs", "//! A.\nuse crate::{ws, tickets::http::list};\nuse axum::Router;\n", ""),
    ("src/attic/mod.rs", "//! A.\n", "attic is on no floor"),
    ("src/tickets/mod.rs", "//! A.\nuse crate::attic;\n", "attic is on no floor"),
    ("src/tickets/mod.rs", "//! A.\nuse rusqlite::Row;\n", ":2: rusqlite"),
    ("src/tickets/sql.rs", "//! A.\nuse rusqlite::Row;\n", ""),
    ("src/db/mod.rs", "//! A.\nuse r2d2_sqlite::rusqlite::Row;\n", ""),
    ("src/tickets/mod.rs", "//! A.\nuse axum::Json;\n", ":2: axum"),
    ("src/ws/mod.rs", "//! A.\nuse axum::Json;\n", ""),
    ("src/hub/a.rs", "//! A.\nuse std::time::{Instant, SystemTime};\n", ":2: SystemTime"),
    ("src/hub/a.rs", "//! A.\nfn f() { Instant::now(); }\n", ""),
    ("src/hub/a.rs", "//! A.\nfn f() { jiff::Timestamp::now(); }\n", ":2: Timestamp::now"),
    ("src/webhooks/mod.rs", "//! A.\nuse ureq::Agent;\n", ":2: ureq"),
    ("src/webhooks/post.rs", "//! A.\nuse ureq::Agent;\n", ""),
    ("src/id.rs", "fn f() {}\n", ":1: begin with"),
    ("src/id.rs", "//! A.\n// TODO later\n", ":2: TODO"),
    ("docs/a.md", "Write todos, and a FIXME.\n", ":1: FIXME"),
    ("docs/a.md", "A todo list.\n", ""),
    ("src/id.rs", "//! A.\nfn f() { todo!() }\n", ":2: todo!"),
    ("docs/a.md", "Look in /home/me/notes.\n", ":1: /home/"),
    ("docs/a.sh", "mkdir -p $work/tree/etc ./home/me\n", ""),
    ("migrations/0001_house.sql", "", ""),
    ("migrations/0003_later.sql", "", "expected 0001_"),
    ("migrations/1_House.sql", "", "expected 0001_"),
    ("assets/a.html", "<script src=\"/a.js\"></script><p class=\"style\">https://</p>\n", ""),
    ("assets/a.html", "<html>\n<script>go()</script>\n", ":2: an inline script"),
    ("assets/a.html", "<p style=\"color: red\">\n", ":1: an inline style"),
    ("assets/a.js", "p.innerHTML = `<b onclick=\"go()\">`;\n", ":1: an inline handler"),
    ("assets/a.html", "<a href=\"javascript:go()\">\n", ":1: an inline script"),
    ("assets/a.css", "@import \"https://fonts.example/a.css\";\n", ":1: another host"),
    ("assets/a.css", "a { background: url(//cdn.example/a.png) }\n", ":1: another host"),
    ("assets/a.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n", ""),
    ("assets/a.html", "<input placeholder=\"https://example.com/hook\">\n", ""),
    ("assets/a.js", "input({ placeholder: \"https://example.com/hook\" });\n", ""),
    ("assets/a.js", "fetch(\"https://example.com/hook\");\n", ":1: another host"),
    ("assets/a.js", "const all = `https://${location.host}/`;\n", ""),
];

#[test]
fn each_rule_bites_where_it_should_and_nowhere_else() {
    for (path, text, complaint) in CASES {
        let found = rules::inspect(&[File::new(path, String::from(*text))]);
        let right = if complaint.is_empty() {
            found.is_empty()
        } else {
            found.len() == 1 && found[0].contains(complaint)
        };
        assert!(right, "{path} with {text:?} gave {found:?}, expected {complaint:?}");
    }
}

#[test]
fn lines_and_files_have_a_length_that_can_be_read() {
    let lines = |n: usize| File::new("src/id.rs", format!("//! A.\n{}", "\n".repeat(n - 1)));
    assert!(rules::inspect(&[lines(400)]).is_empty());
    assert!(rules::inspect(&[lines(401)])[0].contains("src/id.rs:401: longer than 400 lines"));
    let wide = |n: usize| File::new("src/id.rs", format!("//! {}\n", "é".repeat(n - 4)));
    assert!(rules::inspect(&[wide(100)]).is_empty());
    assert!(rules::inspect(&[wide(101)])[0].contains("src/id.rs:1: wider than 100 columns"));
}
