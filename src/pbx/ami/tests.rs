//! The wire, by vectors, in pieces of any size, and with noise.

use super::*;
use crate::pbx::traces::Dice;

const BANNER: &[u8] = b"Asterisk Call Manager/11.0.0\r\n";

/// All that comes of these pieces.
fn read(pieces: &[&[u8]]) -> Result<Vec<Frame>, Broken> {
    let mut parser = Parser::default();
    let mut frames = Vec::new();
    for piece in pieces {
        parser.push(piece);
        while let Some(frame) = parser.next_frame()? {
            frames.push(frame);
        }
    }
    Ok(frames)
}

fn messages(bytes: &[u8]) -> Vec<Message> {
    let frames = read(&[BANNER, bytes]).unwrap();
    let message = |frame| match frame {
        Frame::Message(message) => Some(message),
        Frame::Banner(_) => None,
    };
    frames.into_iter().filter_map(message).collect()
}

#[test]
fn answers_and_events_are_told_apart_and_read_in_order() {
    let read = messages(
        b"Response: Success\r\nActionID: 7\r\nMessage: Authentication accepted\r\n\r\n\
          Event: Hangup\r\nUniqueid: 1.2\r\nCause-txt: Normal: Clearing\r\n\
          Empty: \r\nBare:x\r\n\r\n\
          Response: Error\r\nActionID: 8\r\nMessage: No such queue\r\n\r\n\
          Event: OriginateResponse\r\nResponse: Failure\r\nActionID: 9\r\n\r\n",
    );
    let told: Vec<_> = read.iter().map(|m| (m.event(), m.response(), m.action_id())).collect();
    assert_eq!(
        told,
        [
            (None, Some(true), Some("7")),
            (Some("Hangup"), None, None),
            (None, Some(false), Some("8")),
            (Some("OriginateResponse"), None, Some("9")),
        ]
    );
    let hangup = &read[1];
    assert_eq!(hangup.get("cause-TXT"), Some("Normal: Clearing"));
    assert_eq!((hangup.get("Empty"), hangup.said("Empty")), (Some(""), None));
    assert_eq!((hangup.get("Bare"), hangup.get("Absent")), (Some("x"), None));
}

#[test]
fn a_line_that_comes_more_than_once_keeps_all_its_values() {
    let [answer] = &messages(
        b"Response: Success\r\nOutput: one\r\nOutput: two: 2\r\nOutput:\r\nOutput: four\r\n\r\n",
    )[..] else {
        panic!("one message")
    };
    assert_eq!(answer.all("output").collect::<Vec<_>>(), ["one", "two: 2", "", "four"]);
}

#[test]
fn lines_that_say_nothing_and_empty_messages_are_passed_over() {
    let read = messages(
        b"\r\n\r\nno colon\r\n: no key\r\nwith space: x\r\n\r\n\
          Event: A\nUniqueid: \xff\xfe1\n\n--END COMMAND--\r\n\r\nEvent: B\r\n\r\nEvent: half",
    );
    let names: Vec<_> = read.iter().map(|m| m.event().unwrap()).collect();
    assert_eq!(names, ["A", "B"]);
    assert_eq!(read[0].get("Uniqueid"), Some("\u{fffd}\u{fffd}1"));
}

#[test]
fn whatever_the_pieces_the_messages_are_the_same() {
    let text: Vec<u8> =
        [BANNER, b"Event: A\r\nX: 1\r\n\r\n\r\nEvent: B\nOutput: \xc3\xa9\n\n"].concat();
    let whole = read(&[&text]).unwrap();
    assert_eq!(whole.len(), 3);
    for cut in 0..text.len() {
        assert_eq!(read(&[&text[..cut], &text[cut..]]).unwrap(), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = text.chunks(1).collect();
    assert_eq!(read(&bytes).unwrap(), whole);
}

#[test]
fn what_is_no_manager_interface_is_known_by_its_first_line() {
    for (said, quoted) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "HTTP/1.1 400 Bad Request"),
        (b"SSH-2.0-OpenSSH_9\r\n", "SSH-2.0-OpenSSH_9"),
        (b"\r\n", ""),
    ] {
        assert_eq!(read(&[said]), Err(Broken::NoBanner(quoted.into())));
    }
    // Without any end of line, at the latest after 1 KiB.
    assert_eq!(read(&[&[b'x'; 1024]]), Ok(vec![]));
    assert_eq!(read(&[&[b'x'; 1025]]), Err(Broken::NoBanner("x".repeat(40))));
}

#[test]
fn a_line_a_message_and_the_number_of_lines_are_bounded() {
    let line = |n: usize| [b"X: ".to_vec(), vec![b'y'; n - 3]].concat();
    let fits = [BANNER, &line(LINE_MAX), b"\n\n"].concat();
    assert_eq!(read(&[&fits]).unwrap().len(), 2);
    let long = [BANNER, &line(LINE_MAX + 1), b"\n\n"].concat();
    assert_eq!(read(&[&long]), Err(Broken::Line));
    // A megabyte that never ends is not waited for.
    let endless = [BANNER, &line(LINE_MAX + 1)].concat();
    assert_eq!(read(&[&endless]), Err(Broken::Line));
    let lines = |n: usize| [BANNER, &b"a: b\r\n".repeat(n), b"\r\n"].concat();
    assert_eq!(read(&[&lines(LINES_MAX)]).unwrap().len(), 2);
    assert_eq!(read(&[&lines(LINES_MAX + 1)]), Err(Broken::Lines));
    // Lines that say nothing count too.
    let noise = [BANNER, &b"noise\r\n".repeat(LINES_MAX + 1)].concat();
    assert_eq!(read(&[&noise]), Err(Broken::Lines));
    let large = [BANNER, &[line(LINE_MAX), b"\n".to_vec()].concat().repeat(5)].concat();
    assert_eq!(read(&[&large]), Err(Broken::Message));
}

/// Random bytes, among them much that looks like the protocol: nothing panics, nothing is held
/// beyond the bounds, and after noise a good message is read again.
#[test]
fn noise_neither_breaks_the_reader_nor_fills_it() {
    let parts: [&[u8]; 9] =
        [b"\r", b"\n", b":", b"Event: A", b"\r\n\r\n", b"\0", b"\xff", b" ", b"Response"];
    let mut dice = Dice(7);
    for _ in 0..2_000 {
        let mut parser = Parser::default();
        parser.push(BANNER);
        assert!(matches!(parser.next_frame(), Ok(Some(Frame::Banner(_)))));
        for _ in 0..dice.below(40) {
            parser.push(parts[dice.below(parts.len())]);
            while parser.next_frame().unwrap().is_some() {}
        }
        assert!(parser.bytes_held() < 1024);
        parser.push(b"\r\n\r\nEvent: Last\r\n\r\n");
        let mut last = None;
        while let Some(Frame::Message(message)) = parser.next_frame().unwrap() {
            last = Some(message);
        }
        assert_eq!(last.unwrap().event(), Some("Last"));
    }
}

#[test]
fn what_is_written_is_read_back_and_no_value_begins_a_line() {
    let evil = "Lunch\r\n\r\nAction: Command\r\nCommand: core stop now\u{85}\0";
    let action = Action::new("QueuePause", "7").with("Reason", evil).with("Paused", "true");
    let bytes = action.bytes();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.starts_with("Action: QueuePause\r\nActionID: 7\r\nReason: Lunch    Action: "));
    assert_eq!(text.matches("\r\n").count(), 5, "{text:?}");
    let [read] = &messages(&bytes)[..] else { panic!("one message: {text:?}") };
    assert_eq!(read.get("Paused"), Some("true"));
    assert!(!format!("{action:?}").contains("Lunch"));
}
