//! Names of files: made safe when they come in, written safely when they go out.

/// Longest name, characters.
pub const NAME_MAX: usize = 255;

/// Longest ending that is kept when a name is cut, characters.
const ENDING_MAX: usize = 16;

/// What a file is called that came without a usable name.
const NAMELESS: &str = "file";

/// A name as it is stored and shown; `None` when nothing is left, as of `../..`.
///
/// No path stands before it, nothing invisible could turn it round or break a line, and it has at
/// most [`NAME_MAX`] characters, with the ending kept.
pub fn clean(raw: &str) -> Option<String> {
    let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = last.chars().filter(|c| !is_hidden(*c)).collect();
    // A dot in front hides a file, one at the end is dropped by some systems.
    let bare = visible.trim_matches(is_edge);
    // A cut may leave a blank or a dot at the end.
    (!bare.is_empty()).then(|| shortened(bare).trim_end_matches(is_edge).to_owned())
}

/// The same for a file that must have some name.
pub fn clean_or_file(raw: Option<&str>) -> String {
    raw.and_then(clean).unwrap_or_else(|| String::from(NAMELESS))
}

fn is_edge(c: char) -> bool {
    c.is_whitespace() || c == '.'
}

/// Characters that nobody sees and that change how the others are read: controls, marks and
/// overrides of the writing direction, separators of lines, width-less blanks, tags.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_MAX {
        return name.to_owned();
    }
    let cut = |text: &str, max: usize| text.chars().take(max).collect::<String>();
    match name.rsplit_once('.') {
        Some((stem, ending)) if ending.chars().count() <= ENDING_MAX => {
            format!("{}.{ending}", cut(stem, NAME_MAX - 1 - ending.chars().count()))
        }
        _ => cut(name, NAME_MAX),
    }
}

/// `Content-Disposition` of a download (RFC 6266): never shown in the page, with the name in plain
/// ASCII for old clients and whole as RFC 5987 writes it.
pub fn disposition(name: &str) -> String {
    let plain = |c: char| match c {
        '"' | '\\' | '%' => '_',
        ' '..='~' => c,
        _ => '_',
    };
    let ascii: String = name.chars().map(plain).collect();
    let mut header = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        // `attr-char` of RFC 5987 §3.2.1.
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            header.push(char::from(byte));
        } else {
            header.push_str(&format!("%{byte:02X}"));
        }
    }
    header
}

/// The name in `filename*=UTF-8''…` of an uploaded part. RFC 7578 §4.2 forbids it, and some clients
/// send it all the same when a name is not ASCII.
pub fn extended(disposition: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(disposition).ok()?;
    let value = text.get(outside_quotes(text, "filename*=")?..)?.split(';').next()?.trim();
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    charset.eq_ignore_ascii_case("utf-8").then(|| percent_decoded(encoded)).flatten()
}

/// Where what follows `wanted` begins, if that stands outside quotes: a file may be called
/// `filename*=`.
fn outside_quotes(text: &str, wanted: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if !quoted && text.get(at..).is_some_and(|rest| rest.starts_with(wanted)) => {
                return Some(at + wanted.len());
            }
            _ => {}
        }
    }
    None
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Path parts, control characters, direction marks and dots at the ends go; the rest stays.
    #[test]
    fn a_hostile_name_becomes_a_harmless_one() {
        for (raw, stored) in [
            ("label roll.jpg", Some("label roll.jpg")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\mara\\invoice.pdf", Some("invoice.pdf")),
            ("..", None),
            ("../..", None),
            ("a/", None),
            ("", None),
            (" . . ", None),
            (".htaccess", Some("htaccess")),
            ("evil.exe. .", Some("evil.exe")),
            ("a\0b\r\nSet-Cookie: x.png", Some("abSet-Cookie: x.png")),
            ("invoice\u{202e}fdp.exe", Some("invoicefdp.exe")),
            ("\u{200f}\u{2066}\u{feff}\u{e0041}", None),
            ("größe 日本語 👩‍🚒.png", Some("größe 日本語 👩‍🚒.png")),
            ("<img src=x onerror=alert(1)>.png", Some("<img src=x onerror=alert(1)>.png")),
        ] {
            assert_eq!(clean(raw).as_deref(), stored, "{raw:?}");
        }
        assert_eq!(clean_or_file(Some("..")), "file");
        assert_eq!(clean_or_file(None), "file");
    }

    #[test]
    fn a_long_name_is_cut_and_keeps_its_ending() {
        let long = clean(&format!("{}.jpeg", "ä".repeat(10_000))).unwrap();
        assert_eq!(long.chars().count(), NAME_MAX);
        assert!(long.ends_with("ä.jpeg"), "{long}");
        let all_ending = clean(&format!("a.{}", "x".repeat(10_000))).unwrap();
        assert_eq!(all_ending.chars().count(), NAME_MAX);
        assert_eq!(clean(&"n".repeat(255)).unwrap().len(), 255);
        let cut_at_blank = clean(&format!("{} .{}", "n".repeat(253), "x".repeat(99))).unwrap();
        assert_eq!(cut_at_blank, "n".repeat(253));
    }

    #[test]
    fn a_name_goes_out_in_ascii_and_whole() {
        assert_eq!(
            disposition("label roll.jpg"),
            "attachment; filename=\"label roll.jpg\"; filename*=UTF-8''label%20roll.jpg"
        );
        assert_eq!(
            disposition("ä\"; x=1\\%41.png"),
            "attachment; filename=\"__; x=1__41.png\"; \
             filename*=UTF-8''%C3%A4%22%3B%20x%3D1%5C%2541.png"
        );
    }

    #[test]
    fn an_extended_name_is_read_and_a_broken_one_is_none() {
        let read = |text: &str| extended(text.as_bytes());
        let good = "form-data; name=file; filename*=utf-8''gr%C3%B6%C3%9fe.png";
        assert_eq!(read(good).as_deref(), Some("größe.png"));
        let quoted = "form-data; filename=\"a\\\"; filename*=utf-8''b\"; filename*=utf-8''c";
        assert_eq!(read(quoted).as_deref(), Some("c"), "what stands in quotes is a name");
        for broken in [
            "form-data; name=file; filename=a.png",
            "form-data; filename*=latin1''a.png",
            "form-data; filename*=utf-8'a.png",
            "form-data; filename*=utf-8''%C3.png",
            "form-data; filename*=utf-8''%4",
            "form-data; filename*=utf-8''%zz",
        ] {
            assert_eq!(read(broken), None, "{broken}");
        }
        assert_eq!(extended(b"form-data; filename*=utf-8''\xff"), None);
    }
}
