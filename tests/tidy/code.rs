//! Reading Rust just well enough to see which module names which.

/// `text` with every comment, string and character replaced by blanks; lines stay where they are.
pub(crate) fn strip(text: &str) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    let mut previous = ' ';
    while let Some(c) = rest.chars().next() {
        let blank = literal(rest, previous);
        let (taken, left) = rest.split_at(if blank == 0 { c.len_utf8() } else { blank });
        if blank == 0 {
            out.push(c);
        } else {
            out.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        previous = c;
        rest = left;
    }
    out
}

/// The length of the comment or literal that `rest` begins with; 0 when it begins with code.
fn literal(rest: &str, previous: char) -> usize {
    let bytes = rest.as_bytes();
    let inside_word = previous.is_alphanumeric() || previous == '_';
    match bytes {
        [b'/', b'/', ..] => rest.find('\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(bytes),
        [b'"', ..] => 1 + quoted(&bytes[1..], b'"'),
        [b'r', b'"' | b'#', ..] if !inside_word => raw(rest),
        [b'b', b'"', ..] if !inside_word => 2 + quoted(&bytes[2..], b'"'),
        [b'\'', b'\\', ..] => 1 + quoted(&bytes[1..], b'\''),
        [b'\'', ..] => {
            // A character closes after one; anything else is a lifetime.
            let mut after = rest.chars().skip(1);
            let inner = after.next().map_or(0, char::len_utf8);
            if after.next() == Some('\'') { inner + 2 } else { 0 }
        }
        _ => 0,
    }
}

fn block_comment(bytes: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Up to and with the closing `end`, escapes respected.
fn quoted(bytes: &[u8], end: u8) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            c if c == end => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `r"…"`, `r#"…"#`; 0 for a raw identifier (`r#type`).
fn raw(rest: &str) -> usize {
    let hashes = rest[1..].bytes().take_while(|b| *b == b'#').count();
    let open = 1 + hashes;
    if rest.as_bytes().get(open) != Some(&b'"') {
        return 0;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    rest[open + 1..].find(&close).map_or(rest.len(), |at| open + 1 + at + close.len())
}

/// A path through the house that the code names, with the line where it ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// 1 for the first.
    pub(crate) line: usize,
    /// The segments after `crate`.
    pub(crate) path: Vec<String>,
}

/// Every `crate::…` (in the program, `deskbell::…`) of stripped code, groups taken apart.
pub(crate) fn named(code: &str) -> Vec<Named> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        if matches!(tokens[at].1, "crate" | "deskbell") && is(&tokens, at + 1, "::") {
            tree(&tokens, at + 2, &[], &mut found);
        }
    }
    found
}

type Token<'a> = (usize, &'a str);

fn is(tokens: &[Token<'_>], at: usize, text: &str) -> bool {
    tokens.get(at).is_some_and(|token| token.1 == text)
}

/// Words, `::` and single signs, each with its line.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(c) = rest.chars().next() {
            let length = if word(c) {
                rest.find(|c| !word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                c.len_utf8()
            };
            found.push((number + 1, &rest[..length]));
            rest = rest[length..].trim_start();
        }
    }
    found
}

/// Reads one use tree from `at`; answers where it ends.
fn tree(tokens: &[Token<'_>], mut at: usize, before: &[String], into: &mut Vec<Named>) -> usize {
    let mut path = before.to_vec();
    let mut line = 0;
    while let Some((here, text)) = tokens.get(at) {
        line = *here;
        at += 1;
        if *text == "{" {
            while at < tokens.len() && !is(tokens, at, "}") {
                at = tree(tokens, at, &path, into);
                while at < tokens.len() && !is(tokens, at, ",") && !is(tokens, at, "}") {
                    at += 1;
                }
                at += usize::from(is(tokens, at, ","));
            }
            return at + 1;
        }
        path.push(String::from(*text));
        if !is(tokens, at, "::") {
            break;
        }
        at += 1;
    }
    // `crate::helper()` is a function of the root, not a module.
    if path.len() > 1 || !(is(tokens, at, "(") || is(tokens, at, "!")) {
        into.push(Named { line, path });
    }
    at
}

#[test]
fn groups_are_taken_apart_to_their_ends() {
    let all =
        "use crate::{\n a,\n b::{self, c::D},\n};\nfn f() { crate::e::f(crate::g, crate::h()) }";
    let found: Vec<_> = named(all).into_iter().map(|n| (n.line, n.path.join("/"))).collect();
    let expected = [(2, "a"), (3, "b/self"), (3, "b/c/D"), (5, "e/f"), (5, "g")];
    assert_eq!(found, expected.map(|(line, path)| (line, String::from(path))));
}
