//! What a file is, as its first bytes say; what the sender claims is not asked.
//!
//! The list is short on purpose: nothing that a browser runs (HTML, SVG, XML, scripts) is on it, so
//! such a file goes out as plain text or as bytes, and always as a download.

/// How many first bytes are looked at.
pub const HEAD_MAX: usize = 4_096;

/// Bytes of text, as far as the head tells.
pub const TEXT: &str = "text/plain";

/// Bytes of which nothing is known.
pub const BYTES: &str = "application/octet-stream";

/// How files of some types begin.
const BEGINNINGS: [(&[u8], &str); 8] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"PK\x07\x08", "application/zip"),
];

/// The type of a file that begins with `head`.
pub fn content_type(head: &[u8]) -> &'static str {
    let known = BEGINNINGS.iter().find(|(begin, _)| head.starts_with(begin));
    if let Some((_, name)) = known {
        return name;
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return "image/webp";
    }
    if is_text(head) { TEXT } else { BYTES }
}

/// UTF-8 without control characters other than those of plain text; the head may end within a
/// character.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() && head.len() >= HEAD_MAX => {
            let whole = head.get(..e.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\x0c'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_say_what_a_file_is() {
        for (head, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"GIF89a\x01\0", "image/gif"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
            (b"RIFF\x10\0\0\0WAVEfmt ", BYTES),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"PK\x03\x04\x14\0", "application/zip"),
            (b"hello\tworld\r\n", TEXT),
            ("größe".as_bytes(), TEXT),
            (b"\xef\xbb\xbfwith a mark", TEXT),
            (b"a\0b", BYTES),
            (b"gr\xf6\xdfe", BYTES),
            (b"\x7fELF\x02", BYTES),
            (b"PNG", TEXT),
        ] {
            assert_eq!(content_type(head), expected, "{head:?}");
        }
    }

    /// Whatever it is called: what a browser would run goes out as text or as bytes.
    #[test]
    fn nothing_that_runs_keeps_its_type() {
        for text in [
            "<!doctype html><script>alert(1)</script>",
            "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            "<?xml version='1.0'?><a/>",
            "alert(document.cookie)",
        ] {
            assert_eq!(content_type(text.as_bytes()), TEXT, "{text}");
        }
    }

    #[test]
    fn a_head_may_end_within_a_character_and_a_whole_file_may_not() {
        let mut head = "ä".repeat(HEAD_MAX / 2).into_bytes();
        head.insert(0, b'a');
        head.truncate(HEAD_MAX);
        assert_eq!(content_type(&head), TEXT);
        assert_eq!(content_type(&"ä".as_bytes()[..1]), BYTES);
    }
}
