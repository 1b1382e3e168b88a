//! Reads the messages of server-sent events out of a body that comes in chunks (RFC 9112 §7.1).

/// Largest size that is believed of a chunk or a message, bytes; more means that the place was
/// lost.
const SIZE_MAX: usize = 1 << 20;

/// What stands between two messages.
const BLANK: &[u8] = b"\n\n";

/// Where in the chunks it is.
#[derive(Debug)]
enum Place {
    /// In the line that says how long the next chunk is.
    Size(Vec<u8>),
    /// In a chunk, of which so much is missing.
    Chunk(usize),
    /// In the line break behind one, of which so much is missing.
    Break(usize),
}

/// Finds messages in a body that comes in pieces.
#[derive(Debug)]
pub(super) struct Blocks {
    place: Place,
    /// A message of which only the beginning has come.
    begun: Vec<u8>,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { place: Place::Size(Vec::new()), begun: Vec::new() }
    }
}

impl Blocks {
    /// Takes the next piece and hands each message that is whole to `each`, without the empty line
    /// behind it.
    ///
    /// # Errors
    /// When these are no chunks, or the last one has come.
    pub(super) fn take(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), &'static str> {
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.place {
                Place::Size(line) if *first != b'\n' => {
                    line.push(*first);
                    bytes = rest;
                }
                Place::Size(line) => {
                    let size = std::str::from_utf8(line).ok().map(str::trim_end);
                    let size = size.and_then(|size| usize::from_str_radix(size, 16).ok());
                    match size {
                        Some(0) => return Err("the server ended a stream"),
                        Some(size) if size <= SIZE_MAX => self.place = Place::Chunk(size),
                        _ => return Err("a chunk does not say how long it is"),
                    }
                    bytes = rest;
                }
                Place::Chunk(missing) => {
                    let (now, later) = bytes.split_at((*missing).min(bytes.len()));
                    *missing -= now.len();
                    if *missing == 0 {
                        self.place = Place::Break(2);
                    }
                    self.split(now, &mut each)?;
                    bytes = later;
                }
                Place::Break(missing) => {
                    *missing -= 1;
                    if *missing == 0 {
                        self.place = Place::Size(Vec::new());
                    }
                    bytes = rest;
                }
            }
        }
        Ok(())
    }

    fn split(&mut self, bytes: &[u8], each: &mut impl FnMut(&[u8])) -> Result<(), &'static str> {
        self.begun.extend_from_slice(bytes);
        let mut rest = self.begun.as_slice();
        while let Some(at) = rest.windows(BLANK.len()).position(|two| two == BLANK) {
            let (block, later) = rest.split_at(at);
            each(block);
            rest = later.get(BLANK.len()..).unwrap_or_default();
        }
        let done = self.begun.len() - rest.len();
        self.begun.drain(..done);
        if self.begun.is_empty() {
            // Thousands of clients should not keep the room of their longest message each.
            self.begun = Vec::new();
        }
        if self.begun.len() > SIZE_MAX { Err("a message is too long") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the body is cut, by chunks or by reads, the same messages come out.
    #[test]
    fn messages_are_found_wherever_the_body_is_cut() {
        let chunks = ["retry: 2000\n\n", "id: e-1\nevent: a.b\nda", "ta: {}\n\n:\n", "\nx\n\n"];
        let body: String = chunks.iter().map(|c| format!("{:x}\r\n{c}\r\n", c.len())).collect();
        for step in [1, 2, 3, 7, body.len()] {
            let (mut blocks, mut found) = (Blocks::default(), Vec::new());
            for piece in body.as_bytes().chunks(step) {
                let each = |text: &[u8]| found.push(String::from_utf8(text.to_vec()).unwrap());
                blocks.take(piece, each).unwrap();
            }
            let all = ["retry: 2000", "id: e-1\nevent: a.b\ndata: {}", ":", "x"];
            assert_eq!(found, all, "{step} bytes at a time");
        }
    }

    #[test]
    fn what_is_no_body_of_a_stream_is_refused() {
        let taken = |bytes: &[u8]| Blocks::default().take(bytes, |_| {});
        assert_eq!(taken(b"0\r\n\r\n"), Err("the server ended a stream"));
        assert_eq!(taken(b"HTTP/1.1\r\n"), Err("a chunk does not say how long it is"));
        assert_eq!(taken(b"fffffffff\r\n"), Err("a chunk does not say how long it is"));
    }
}
