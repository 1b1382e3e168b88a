//! Which part of a file a download asks for (`Range`, RFC 9110 §14): one range of bytes.

/// What to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// All of it, also when the header cannot be read or names several ranges.
    Whole,
    /// The bytes from `first` to `last`, both included.
    Part {
        /// The first byte.
        first: u64,
        /// The last byte.
        last: u64,
    },
    /// A part that the file does not have: 416.
    Outside,
}

/// Reads the header for a file of `size` bytes.
pub fn read(header: Option<&str>, size: u64) -> Asked {
    let Some((first, last)) = header.and_then(|text| {
        let (unit, range) = text.split_once('=')?;
        let known = unit.trim().eq_ignore_ascii_case("bytes") && !range.contains(',');
        known.then(|| range.trim().split_once('-')).flatten()
    }) else {
        return Asked::Whole;
    };
    let end = size.saturating_sub(1);
    match (number(first), number(last)) {
        // `-0` asks for the last no bytes; an empty file has no others.
        (None, Some(count)) if first.is_empty() && (count == 0 || size == 0) => Asked::Outside,
        (None, Some(count)) if first.is_empty() => {
            Asked::Part { first: size.saturating_sub(count), last: end }
        }
        (Some(first), _) if first >= size => Asked::Outside,
        (Some(first), None) if last.is_empty() => Asked::Part { first, last: end },
        (Some(first), Some(last)) if first <= last => Asked::Part { first, last: last.min(end) },
        _ => Asked::Whole,
    }
}

/// Digits only: `parse` would take a sign too.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_part_within_the_file() {
        let part = |first, last| Asked::Part { first, last };
        for (header, expected) in [
            ("bytes=0-9", part(0, 9)),
            ("bytes=10-", part(10, 99)),
            ("bytes=-5", part(95, 99)),
            ("bytes=-500", part(0, 99)),
            ("bytes=90-500", part(90, 99)),
            ("Bytes = 3-3", part(3, 3)),
            ("bytes=99-99", part(99, 99)),
            ("bytes=100-", Asked::Outside),
            ("bytes=100-200", Asked::Outside),
            ("bytes=-0", Asked::Outside),
            ("bytes=9-3", Asked::Whole),
            ("bytes=0-1,5-6", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("lines=1-2", Asked::Whole),
            ("bytes", Asked::Whole),
            ("bytes=99999999999999999999999-", Asked::Whole),
        ] {
            assert_eq!(read(Some(header), 100), expected, "{header}");
        }
        assert_eq!(read(None, 100), Asked::Whole);
        // An empty file has no last five bytes.
        assert_eq!(read(Some("bytes=-5"), 0), Asked::Outside);
        assert_eq!(read(Some("bytes=0-0"), 0), Asked::Outside);
    }
}
