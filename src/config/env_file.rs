//! Reads an `.env` file: `KEY=value` lines, taken as they stand, without any shell expansion.
//!
//! The rules are those that `sh`, Docker and systemd agree on: `#` begins a comment at the start of
//! a line or after a space, `export ` is allowed, single quotes are literal, and in double quotes
//! only `\"` and `\\` are escapes. A value ends on its line.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// The largest file that is read, in bytes. A real one has a few hundred.
pub(super) const FILE_MAX: usize = 64 * 1024;

/// One `KEY=value` of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    /// Counted from 1.
    pub(super) line: usize,
}

/// Reads and parses the file. Errors name the file and, where there is one, the line; they never
/// repeat the line, which may hold a secret.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, Vec<String>> {
    let bytes = read_at_most(path, FILE_MAX)
        .map_err(|error| vec![format!("{} cannot be read: {error}", path.display())])?;
    parse(&bytes).map_err(|wrong| {
        let name = path.display();
        wrong
            .into_iter()
            .map(|(line, why)| match line {
                0 => format!("{name}: {why}"),
                line => format!("{name}:{line}: {why}"),
            })
            .collect()
    })
}

/// The content of a file that must not be larger than `max` bytes.
pub(super) fn read_at_most(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    // On Unix a folder opens and fails at the first read, with a less helpful message.
    if file.metadata()?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let mut bytes = Vec::new();
    file.take(max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > max {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {} KiB", max / 1024),
        ));
    }
    Ok(bytes)
}

/// Parses a whole file. Errors are `(line, why)`; line 0 means the file as a whole.
fn parse(bytes: &[u8]) -> Result<Vec<Entry>, Vec<(usize, String)>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.len() > FILE_MAX {
        return Err(vec![(0, format!("it is larger than {} KiB", FILE_MAX / 1024))]);
    }
    let mut entries = Vec::new();
    let mut wrong = Vec::new();
    for (index, raw) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = index + 1;
        match parse_line(raw) {
            Ok(Some((key, value))) => entries.push(Entry { key, value, line }),
            Ok(None) => {}
            Err(why) => wrong.push((line, why.to_owned())),
        }
    }
    if wrong.is_empty() { Ok(entries) } else { Err(wrong) }
}

/// One line: a key and its value, or nothing, or why it is wrong.
fn parse_line(raw: &[u8]) -> Result<Option<(String, String)>, &'static str> {
    let text = std::str::from_utf8(raw).map_err(|_| "this is not UTF-8 text")?;
    if text.contains('\0') {
        return Err("there is a NUL byte in this line");
    }
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let text = match text.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => text,
    };
    let (key, value) = text.split_once('=').ok_or("there is no `=` in this line")?;
    let key = key.trim_end();
    if !is_key(key) {
        return Err("the part before `=` is not a key (letters, digits and `_`, no digit first)");
    }
    Ok(Some((key.to_owned(), parse_value(value)?)))
}

fn is_key(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What follows the `=`.
fn parse_value(rest: &str) -> Result<String, &'static str> {
    let start = rest.trim_start();
    let (value, after) = match start.chars().next() {
        Some('\'') => single_quoted(start)?,
        Some('"') => double_quoted(start)?,
        _ => return Ok(bare(rest)),
    };
    let tail = after.trim_start();
    if tail.is_empty() || (tail.starts_with('#') && tail.len() < after.len()) {
        Ok(value)
    } else {
        Err("something follows the closing quote")
    }
}

const UNCLOSED: &str = "the quote is not closed on this line";

fn single_quoted(text: &str) -> Result<(String, &str), &'static str> {
    let (value, after) =
        text.strip_prefix('\'').and_then(|body| body.split_once('\'')).ok_or(UNCLOSED)?;
    Ok((value.to_owned(), after))
}

fn double_quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut rest = text.strip_prefix('"').ok_or(UNCLOSED)?.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => return Ok((value, rest.as_str())),
            '\\' if rest.as_str().starts_with(['"', '\\']) => value.extend(rest.next()),
            c => value.push(c),
        }
    }
    Err(UNCLOSED)
}

/// An unquoted value: everything up to a `#` that follows a space, trimmed.
fn bare(rest: &str) -> String {
    let mut before = ' ';
    let mut end = rest.len();
    // The `#` of `KEY=#f00` belongs to the value, as in a shell.
    for (at, c) in rest.char_indices() {
        if c == '#' && at > 0 && before.is_whitespace() {
            end = at;
            break;
        }
        before = c;
    }
    rest.get(..end).unwrap_or(rest).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let entries = parse(text.as_bytes()).unwrap();
        entries.into_iter().map(|e| (e.key, e.value)).collect()
    }

    #[test]
    fn every_way_to_write_a_value_is_read_as_documented() {
        for (line, value) in [
            ("K=v", "v"),
            ("K=", ""),
            ("K=   ", ""),
            ("K = v ", "v"),
            ("  export K=v", "v"),
            ("export\tK=v", "v"),
            ("K=v\r", "v"),
            ("K=a b c", "a b c"),
            ("K=v # comment", "v"),
            ("K= # comment", ""),
            ("K=v#kept", "v#kept"),
            ("K=#f00", "#f00"),
            ("K=a=b==", "a=b=="),
            ("K='a \"b\" $HOME \\n # c'", "a \"b\" $HOME \\n # c"),
            ("K=''", ""),
            ("K=\"\"", ""),
            ("K=\"a 'b' # c\"  # comment", "a 'b' # c"),
            ("K=\"a \\\"b\\\" \\\\ \\n\"", "a \"b\" \\ \\n"),
            ("K=$HOME/${X}`id`$(id)", "$HOME/${X}`id`$(id)"),
            ("K=grüße", "grüße"),
        ] {
            assert_eq!(pairs(line), [("K".to_owned(), value.to_owned())], "{line:?}");
        }
    }

    #[test]
    fn comments_blank_lines_a_mark_and_windows_line_ends_are_no_obstacle() {
        let text = "\u{feff}# first\r\n\r\n  # second\r\nA=1\r\n\tB='2'\r\n_c9=3";
        let entries = parse(text.as_bytes()).unwrap();
        let seen: Vec<_> = entries.iter().map(|e| (e.key.as_str(), e.line)).collect();
        assert_eq!(seen, [("A", 4), ("B", 5), ("_c9", 6)]);
        assert_eq!(parse(b""), Ok(vec![]));
    }

    #[test]
    fn every_bad_line_is_named_by_its_number() {
        for (bytes, line, word) in [
            (&b"A=1\nJUSTAWORD\n"[..], 2, "no `=`"),
            (b"export A\n", 1, "no `=`"),
            (b"A=1\n\n=x\n", 3, "not a key"),
            (b"1A=x", 1, "not a key"),
            (b"A-B=x", 1, "not a key"),
            (b"A B=x", 1, "not a key"),
            (b"exportA B=x", 1, "not a key"),
            (b"A=1\nB=\xff\xfe", 2, "UTF-8"),
            (b"A=1\nB=x\0y", 2, "NUL"),
            (b"A='x", 1, "not closed"),
            (b"A=\"x\\\"", 1, "not closed"),
            (b"A='x'y", 1, "follows the closing quote"),
            (b"A='x'#y", 1, "follows the closing quote"),
        ] {
            let wrong = parse(bytes).unwrap_err();
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            assert_eq!(wrong[0].0, line, "{wrong:?}");
            assert!(wrong[0].1.contains(word), "{wrong:?}");
        }
    }

    #[test]
    fn all_bad_lines_are_reported_together() {
        let wrong = parse(b"one\nA=1\ntwo\n").unwrap_err();
        assert_eq!(wrong.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3]);
    }
}
