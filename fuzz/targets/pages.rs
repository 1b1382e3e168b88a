//! What comes with requests: headers, queries, names of files, words, tokens.

use super::{text, two};
use deskbell::{
    attachments::{
        names,
        range::{self, Asked},
        sniff,
    },
    auth::{
        Role,
        token::{Bearer, Keys},
    },
    erasure::Person,
    event::Listener,
    http::{Client, Settings, cookie, csv, origin},
    id::{SessionId, TenantId, UserId},
    search,
    tickets::list::Filters,
    time,
};
use http::{HeaderMap, HeaderValue, Uri, header};
use std::net::IpAddr;
use uuid::Uuid;

pub const RANGES: &[&str] = &[
    "100\nbytes=0-9",
    "100\nbytes=10-",
    "100\nbytes=-5",
    "0\nbytes=-5",
    "1\nBytes = 0-18446744073709551615",
    "5\nbytes=0-1,3-4",
];

/// A part lies within the file.
pub fn range(data: &[u8]) {
    let text = text(data);
    let (size, header) = two(&text);
    let size: u64 = size.parse().unwrap_or(0);
    if let Asked::Part { first, last } = range::read(Some(header), size) {
        assert!(first <= last && last < size);
    }
}

pub const FILE_NAMES: &[&str] = &[
    "label roll.jpg",
    "../../etc/passwd",
    "C:\\invoice.pdf",
    "größe 日本語.png",
    "a\0b\r\nSet-Cookie: x.png",
    "invoice\u{202e}fdp.exe",
    "form-data; name=\"file\"; filename=\"x\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.png",
];

/// A clean name stays as it is, goes whole into a header, and comes back out of it.
pub fn file_name(data: &[u8]) {
    let raw = text(data);
    let _name = names::extended(data);
    let Some(name) = names::clean(&raw) else { return };
    assert!(!name.is_empty() && name.chars().count() <= names::NAME_MAX);
    assert!(!name.contains(|c: char| c.is_control() || c == '/' || c == '\\'));
    assert_eq!(names::clean(&name).as_deref(), Some(name.as_str()));
    let disposition = names::disposition(&name);
    assert!(disposition.is_ascii() && HeaderValue::from_str(&disposition).is_ok());
    assert_eq!(names::extended(disposition.as_bytes()), Some(name), "{disposition}");
}

pub const CONTENT_TYPES: &[&str] =
    &["%PDF-1.7", "GIF89a", "PK\x03\x04", "RIFF\0\0\0\0WEBP", "<script>x</script>", "größe"];

/// No file goes out as something that a browser runs.
pub fn content_type(data: &[u8]) {
    let named = sniff::content_type(data);
    let (family, kind) = named.split_once('/').unwrap();
    let harmless = ["plain", "octet-stream", "png", "jpeg", "gif", "webp", "pdf", "zip"];
    assert!(["text", "image", "application"].contains(&family) && harmless.contains(&kind));
    assert!(named != sniff::TEXT || !data.contains(&0));
}

pub const PROXIES: &[&str] = &[
    "9.9.9.9\n1.1.1.1",
    "10.0.0.1\n6.6.6.6, 1.1.1.1, 10.0.0.2",
    "10.0.0.1\n::ffff:10.0.0.9, 2001:db8::1",
    "::ffff:10.0.0.1\ngarbage",
];

/// Only what a trusted proxy says is believed, and never more than it says.
pub fn proxies(data: &[u8]) {
    let text = text(data);
    let (peer, said) = two(&text);
    let Ok(peer) = peer.parse::<IpAddr>() else { return };
    let Ok(value) = HeaderValue::from_str(said) else { return };
    let headers: HeaderMap = ["x-forwarded-for", "x-forwarded-proto", "cookie"]
        .map(|name| (name.parse().unwrap(), value.clone()))
        .into_iter()
        .collect();
    let _token = cookie::read(&headers);
    let peer = peer.to_canonical();
    let trusted = ["10.0.0.0/8".parse().unwrap()];
    let client = Client::of(peer, &headers, &trusted);
    if trusted.iter().any(|net: &ipnet::IpNet| net.contains(&peer)) {
        let hops = said.split(',').filter_map(|hop| hop.trim().parse::<IpAddr>().ok());
        let told: Vec<_> = hops.map(|hop| hop.to_canonical()).chain([peer]).collect();
        assert!(told.contains(&client.address) && !client.forged_forwarding);
    } else {
        assert_eq!((client.address, client.https, client.forged_forwarding), (peer, false, true));
    }
}

pub const HOSTS: &[&str] =
    &["localhost:8080", "desk.lan", "127.0.0.1", "[::1]:80", "DESK.LAN.:1", "evil.example"];

/// Whoever is answered asked for a host of ours, as a browser reads it, too.
pub fn host(data: &[u8]) {
    let text = text(data);
    let Ok(value) = HeaderValue::from_str(&text) else { return };
    let headers = HeaderMap::from_iter([(header::HOST, value)]);
    let settings = Settings { hosts: vec!["desk.lan".into()], ..Settings::default() };
    let is_let_in = origin::check_host(&Uri::from_static("/"), &headers, &settings).is_ok();
    let Ok(url) = url::Url::parse(&format!("http://{text}/")) else { return };
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let ours = ["localhost", "desk.lan"].contains(&host)
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    assert!(!is_let_in || ours, "{host}");
}

pub const FILTERS: &[&str] = &[
    "status=open,pending&priority=high&sort=-created_at",
    "assignee=me&team=none&requester=01999999-0000-7000-8000-000000000001",
    "q=printer+jam&created_after=2026-07-01T09:00:00Z&deleted=true&page=2",
    "tag=a,b&type=incident&channel=email&per_page=50",
];

/// Filters that were understood once are understood again as a view keeps them.
pub fn filters(data: &[u8]) {
    let who = Listener {
        tenant: TenantId(Uuid::from_u128(1)),
        user: UserId(Uuid::from_u128(2)),
        role: Role::Supervisor,
    };
    let Ok(read) = serde_urlencoded::from_bytes::<Filters>(data) else { return };
    if let Ok(good) = read.checked(&who) {
        let kept = serde_json::to_value(&good).unwrap();
        let again = serde_json::from_value::<Filters>(kept.clone()).unwrap();
        let again = again.checked(&who).unwrap_or_else(|e| panic!("{kept}: {e}"));
        assert_eq!(serde_json::to_value(&again).unwrap(), kept);
    }
}

pub const SEARCHES: &[&str] = &["printer jam", "#12", "a\" OR who:\"t0 NOT (b* NEAR/2 ^c", "größe"];

/// No sign of the query language is left in the words.
pub fn search_words(data: &[u8]) {
    let typed = text(data);
    let words = search::words(&typed);
    assert!(words.len() <= 12);
    for word in &words {
        assert!(!word.is_empty() && word.chars().count() <= 64);
        assert!(word.chars().all(char::is_alphanumeric), "{word}");
    }
    assert!(search::number(&typed).is_none_or(|number| number > 0));
}

pub const CELLS: &[&str] =
    &["plain", "a,b\nsay \"hi\"", "=1+1\n@SUM(A1)", " =1\n\t-1", "two;cells\n＋1", "\u{3000}=1"];

/// A file of cells is read back cell for cell, and none of them is a formula.
pub fn csv(data: &[u8]) {
    let text = text(data);
    let cells: Vec<&str> = text.split('\n').collect();
    let mut line = String::new();
    for (at, cell) in cells.iter().enumerate() {
        line.push_str(if at > 0 { "," } else { "" });
        csv::cell(&mut line, cell);
    }
    let read = cells_of(&line);
    assert_eq!(read.len(), cells.len(), "{line}");
    for (read, cell) in read.iter().zip(&cells) {
        assert!(read == cell || read.strip_prefix('\'') == Some(cell), "{read:?} was {cell:?}");
        assert!(!read.trim_start().starts_with(['=', '+', '-', '@']), "{read:?}");
    }
}

/// RFC 4180, as a reader that trusts nobody: quotes open a cell at its beginning only.
fn cells_of(line: &str) -> Vec<String> {
    let (mut cells, mut rest) = (Vec::new(), line.chars().peekable());
    loop {
        let mut cell = String::new();
        if rest.next_if_eq(&'"').is_some() {
            while let Some(c) = rest.next() {
                if c == '"' && rest.next_if_eq(&'"').is_none() {
                    break;
                }
                cell.push(c);
            }
        }
        while let Some(c) = rest.next_if(|c| *c != ',') {
            assert!(!matches!(c, '"' | '\r' | '\n'), "{c:?} outside quotes");
            cell.push(c);
        }
        cells.push(cell);
        if rest.next().is_none() {
            return cells;
        }
    }
}

pub const DATES: &[&str] =
    &["2026-07-01T09:00:00Z", "2024-10-25T16:20:00.123+02:00", "-009999-01-02T01:59:59Z"];

/// A time that was read is the same when it is shown and read again.
pub fn date(data: &[u8]) {
    if let Some(ms) = time::parse_rfc3339(&text(data)) {
        assert_eq!(time::parse_rfc3339(&time::rfc3339(ms)), Some(ms));
    }
}

pub const TOKENS: &[&str] = &["eyJhbGciOiJub25lIn0.e30.", "a.b.c", "eyJhbGciOiJIUzI1NiJ9.e30.AA"];

/// What was not signed lets nobody in, and what was signed and touched lets in nobody else.
pub fn token(data: &[u8]) {
    const NOW_MS: i64 = 1_800_000_000_000;
    let keys = Keys::new(b"a secret of thirty-two bytes, ok", &[]);
    assert!(keys.verify(&text(data), NOW_MS).is_err());
    let session = SessionId(Uuid::from_u128(3));
    let (user, tenant) = (UserId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
    let mut signed =
        keys.sign(Bearer { user, tenant, role: Role::Agent, session }, NOW_MS).unwrap();
    let at = data.iter().map(|byte| usize::from(*byte)).sum::<usize>() % signed.len();
    signed.replace_range(at..=at, &text(data));
    if let Ok(verified) = keys.verify(&signed, NOW_MS) {
        assert_eq!(verified.session, session, "{signed}");
    }
}

pub const PERSONS: &[&str] = &[
    "Ada Lovelace\nWrite to Ada Lovelace, or to ada@example.com.",
    "ada@example.com\n{\"name\":\"Ada\",\"n\":[1,\"to ada@example.com\"]}",
    "+49 30 123\n{\"message\":\"call +49 30 123\",\"phone\":\"+49 30 123\"}",
];

/// A text without somebody stays without them, and JSON stays JSON.
pub fn person(data: &[u8]) {
    let text = text(data);
    let (word, said) = two(&text);
    let person = Person::new("01999999-0000-7000-8000-000000000001".into(), vec![word.into()]);
    if let Some(clean) = person.out_of_told(said) {
        let instead = "Deleted user [removed] deleted-01999999-0000-7000-8000-000000000001\
            @deleted.invalid";
        // What stands instead may make such a word anew: it tells nothing.
        let made_anew = instead.contains(word) || word.contains(['[', ']']);
        assert!(person.out_of_told(&clean).is_none() || made_anew, "{clean:?}");
    }
    if serde_json::from_str::<serde_json::Value>(said).is_ok() {
        for named in [true, false] {
            if let Some(json) = person.out_of_json(said, named) {
                assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
            }
        }
    }
}
