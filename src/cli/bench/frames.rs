//! Reads the frames a server sends over a WebSocket (RFC 6455 §5.2), without copying whole ones.

/// The largest payload that a server of ours sends, bytes; more means that the place was lost.
const PAYLOAD_MAX: usize = 1 << 20;

/// Continuation of no message: nothing of ours is sent in pieces.
pub(super) const TEXT: u8 = 0x81;
pub(super) const CLOSE: u8 = 0x88;
pub(super) const PING: u8 = 0x89;

/// Finds frames in a stream that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// A frame of which only the beginning has come.
    begun: Vec<u8>,
}

impl Frames {
    /// Takes the next piece and hands each frame that is whole to `each`: first byte and payload.
    ///
    /// # Errors
    /// When these are no frames of a server.
    pub(super) fn take(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(u8, &[u8]),
    ) -> Result<(), &'static str> {
        while !self.begun.is_empty() && !bytes.is_empty() {
            let missing = match extent(&self.begun)? {
                // At most nine bytes are gone over one at a time.
                None => 1,
                Some((header, payload)) => header + payload - self.begun.len(),
            };
            let (now, later) = bytes.split_at(missing.min(bytes.len()));
            self.begun.extend_from_slice(now);
            bytes = later;
            if whole(&self.begun, &mut each)?.is_some() {
                self.begun.clear();
            }
        }
        while let Some(rest) = whole(bytes, &mut each)? {
            bytes = rest;
        }
        self.begun.extend_from_slice(bytes);
        Ok(())
    }
}

/// Hands over the frame that `bytes` begin with, if it is whole; returns what follows it.
fn whole<'a>(
    bytes: &'a [u8],
    each: &mut impl FnMut(u8, &[u8]),
) -> Result<Option<&'a [u8]>, &'static str> {
    let Some((header, payload)) = extent(bytes)? else { return Ok(None) };
    let (Some(first), Some(frame)) = (bytes.first(), bytes.get(header..header + payload)) else {
        return Ok(None);
    };
    each(*first, frame);
    Ok(bytes.get(header + payload..))
}

/// Lengths of header and payload, once the header is there.
fn extent(bytes: &[u8]) -> Result<Option<(usize, usize)>, &'static str> {
    let (header, payload) = match bytes {
        [_, short @ 0..=125, ..] => (2, usize::from(*short)),
        [_, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([*a, *b]))),
        [_, 127, 0, 0, 0, 0, a, b, c, d, ..] => {
            let len = u32::from_be_bytes([*a, *b, *c, *d]);
            (10, usize::try_from(len).unwrap_or(usize::MAX))
        }
        [_, 128..=255, ..] => return Err("a server's frame is masked"),
        [_, 127, _, _, _, _, _, _, _, _, ..] => return Err("a frame is too long"),
        _ => return Ok(None),
    };
    if payload > PAYLOAD_MAX { Err("a frame is too long") } else { Ok(Some((header, payload))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, len: usize) -> Vec<u8> {
        let mut out = vec![first];
        match len {
            0..=125 => out.push(u8::try_from(len).unwrap()),
            126..=65_535 => {
                out.push(126);
                out.extend(u16::try_from(len).unwrap().to_be_bytes());
            }
            _ => {
                out.push(127);
                out.extend(u64::try_from(len).unwrap().to_be_bytes());
            }
        }
        out.resize(out.len() + len, b'x');
        out
    }

    /// However the stream is cut, the same frames come out.
    #[test]
    fn frames_are_found_wherever_the_stream_is_cut() {
        let sent = [(TEXT, 5), (PING, 0), (TEXT, 126), (TEXT, 70_000), (CLOSE, 2), (TEXT, 125)];
        let stream: Vec<u8> = sent.iter().flat_map(|(first, len)| frame(*first, *len)).collect();
        for step in [1, 2, 3, 7, 100, 4_096, stream.len()] {
            let (mut frames, mut found) = (Frames::default(), Vec::new());
            for piece in stream.chunks(step) {
                frames.take(piece, |first, payload| found.push((first, payload.len()))).unwrap();
            }
            assert_eq!(found, sent, "{step} bytes at a time");
            assert!(frames.begun.is_empty());
        }
    }

    #[test]
    fn what_no_server_sends_is_refused() {
        let taken = |bytes: &[u8]| Frames::default().take(bytes, |_, _| {});
        assert_eq!(taken(&[TEXT, 0x85, 0, 0, 0, 0]), Err("a server's frame is masked"));
        assert_eq!(taken(&[TEXT, 127, 1, 0, 0, 0, 0, 0, 0, 0]), Err("a frame is too long"));
        assert_eq!(taken(&[TEXT, 127, 0, 0, 0, 0, 1, 0, 0, 0]), Err("a frame is too long"));
    }
}
