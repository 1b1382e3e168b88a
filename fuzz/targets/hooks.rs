//! What owners of webhooks, their receivers and publishers of events write.

use super::{text, two};
use deskbell::{
    event::{Kind, pattern, schema::Schema},
    events::Publish,
    http::body,
    webhooks::{
        address::Guard,
        headers::{self, Custom, HEADERS_MAX},
        schedule::{self, Schedule},
        sign::{self, Received, SigningKey},
    },
};
use http::{HeaderName, HeaderValue};
use serde_json::Value;
use std::{net::IpAddr, time::Duration};

pub const URLS: &[&str] = &[
    "https://example.com/hook?a=b#c",
    "http://93.184.216.34:8080/",
    "http://0x7f.1/",
    "http://[::ffff:10.0.0.1]/",
    "https://bücher.example/ü",
    "http://user:secret@example.com/",
    "http://169.254.169.254/latest/meta-data",
];

/// A URL that is taken is of the web, names nobody, and is the same when it is read again; an
/// address in it was judged, however it was spelt.
pub fn url(data: &[u8]) {
    let guard = Guard::default();
    let Ok(target) = guard.parse_url(&text(data)) else { return };
    let written = target.uri().to_string();
    assert!(matches!(target.uri().scheme_str(), Some("http" | "https")), "{written}");
    assert!(!target.uri().authority().unwrap().as_str().contains('@'), "{written}");
    let again = guard.parse_url(&written).unwrap_or_else(|why| panic!("{written}: {why}"));
    assert_eq!((again.host(), again.port()), (target.host(), target.port()));
    match target.literal() {
        Some(addr) => assert_eq!(guard.check_addr(addr), Ok(())),
        None => assert!(target.host().parse::<IpAddr>().is_err(), "{written}"),
    }
}

pub const NETS: &[&str] =
    &["10.1.0.0/16, 192.168.7.5:8080", "[fd12::1]:9000", "fd00::/8", "0.0.0.0/0,::/0"];

/// Whatever is opened: where nobody is, nothing is sent.
pub fn allow_net(data: &[u8]) {
    let Ok(guard) = Guard::new(&text(data)) else { return };
    for nobody in ["0.0.0.0:80", "255.255.255.255:80", "224.0.0.1:80", "[::]:80", "[ff02::1]:80"] {
        assert!(guard.check_addr(nobody.parse().unwrap()).is_err(), "{nobody}");
    }
}

pub const RETRY_AFTERS: &[&str] = &[
    "120",
    "Wed, 21 Oct 2026 07:28:00 GMT",
    "99999999999999999999",
    "Thu, 01 Jan 1970 00:00:00 GMT",
];

/// However long a receiver asks for, the wait is no shorter than ours and no longer than promised.
pub fn retry_after(data: &[u8]) {
    for now_ms in [0, 1_792_000_000_000, i64::MAX, i64::MIN] {
        let Some(asked) = schedule::parse_retry_after(&text(data), now_ms) else { continue };
        for base in [0, 5, 36_000].map(Duration::from_secs) {
            let wait = schedule::clamp_retry_after(asked, base);
            assert!(wait >= base && wait <= (2 * base).max(Duration::from_secs(3600)));
        }
    }
}

pub const SCHEDULES: &[&str] = &["1s,5s,2m", "0, 5, 10m ,7d", "300ms", "1 h"];

/// A schedule that is taken has waits, none of them endless.
pub fn schedule(data: &[u8]) {
    let Ok(schedule) = Schedule::parse(&text(data)) else { return };
    for failed in [0, 1, 2, 20, u32::MAX] {
        let base = schedule.base(failed);
        assert!(!base.is_zero() && base <= schedule::STEP_MAX);
        assert!(schedule::jitter(base, u64::MAX) <= base * 2);
        assert!(schedule.rest(failed) <= base.max(Duration::from_secs(60)));
    }
}

pub const HEADERS: &[&str] = &[
    "{\"Authorization\":\"Bearer x\",\"x-team\":\"desk\"}",
    "{\"X-A\":\"***\"}",
    "{\"host\":\"a\",\"Content-Length\":\"1\",\"a b\":\"\",\"x\":\"a\\r\\nb\"}",
];

/// Headers that are taken can be sent, and none of them is ours.
pub fn headers(data: &[u8]) {
    let Ok(said) = serde_json::from_slice::<Custom>(data) else { return };
    let Ok(taken) = headers::checked(&said, &Custom::new()) else { return };
    assert!(taken.len() <= HEADERS_MAX && taken.len() == said.len());
    for (name, value) in &taken {
        assert!(HeaderName::from_lowercase(name.as_bytes()).is_ok(), "{name}");
        assert!(HeaderValue::from_str(value).is_ok() && value.is_ascii(), "{value}");
        assert!(!name.starts_with("content-") && !name.starts_with("webhook-") && name != "host");
    }
    assert_eq!(headers::checked(&taken, &taken).ok(), Some(taken.clone()), "said again");
}

pub const SIGNATURES: &[&str] = &[
    "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4= v1a,x\n1800000000\n{}",
    "sha256=0000000000000000000000000000000000000000000000000000000000000000\n1\nbody",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n+1\n",
];

/// Nobody signs without the secret; what was signed is found good, and any secret can be tried.
pub fn signature(data: &[u8]) {
    let text = text(data);
    let (signature, rest) = two(&text);
    let (timestamp, body) = two(rest);
    let body = body.as_bytes();
    let keys = [SigningKey::new("a secret nobody guesses").unwrap()];
    let now_s: i64 = timestamp.parse().unwrap_or(0);
    let received = |signature| Received { id: signature, timestamp, signature };
    for tolerance_s in [0, 300, i64::MAX] {
        let found = sign::verify_standard(&keys, received(signature), body, now_s, tolerance_s);
        assert!(found.is_err());
    }
    assert!(!sign::verify_plain(&keys, signature, body));
    assert!(sign::verify_plain(&keys, &sign::plain(&keys[0], body), body));
    let signed = sign::standard(&keys, signature, now_s, body);
    let (timestamp, id) = (&now_s.to_string(), signature);
    let good = Received { id, timestamp, signature: &signed };
    assert_eq!(sign::verify_standard(&keys, good, body, now_s, 0), Ok(()));
    if let Ok(key) = SigningKey::new(signature) {
        assert!(sign::verify_plain(std::slice::from_ref(&key), &sign::plain(&key, body), body));
    }
}

pub const PATTERNS: &[&str] =
    &["*", "ticket.*", "ticket.created", "order.line.item.*", "webhook.failing", "ticket.craeted"];

/// A pattern that is taken asks for something.
pub fn pattern(data: &[u8]) {
    let text = text(data);
    if pattern::validate(&text).is_err() {
        let _matches = pattern::matches(&text, "ticket.created");
        return;
    }
    assert!(text.len() <= pattern::PATTERN_LEN_MAX);
    let example = match text.strip_suffix('*') {
        Some("") => String::from("ticket.created"),
        Some(prefix) => format!("{prefix}x"),
        None => text.clone().into_owned(),
    };
    assert!(pattern::matches(&text, &example), "{text} does not match {example}");
}

pub const SCHEMAS: &[&str] = &[
    "{\"required\":[\"a\"],\"properties\":{\"a\":{\"minimum\":1}}}\n{\"a\":0}",
    "{\"items\":{\"anyOf\":[{\"const\":1},{\"format\":\"date-time\"}]}}\n[1,2,\"x\"]",
    "{\"type\":\"array\",\"maxItems\":2}\n[1,2,3]",
    "{\"enum\":[1.0,null,{\"a\":[]}],\"type\":[\"integer\",\"null\"]}\n1",
    "{\"format\":\"date\",\"minLength\":10}\n\"2026-02-30\"",
];

/// A schema that is taken judges any value, with no more faults than can be read.
pub fn schema(data: &[u8]) {
    let text = text(data);
    let (schema, value) = two(&text);
    let Ok(schema) = serde_json::from_str::<Value>(schema) else { return };
    let Ok(value) = serde_json::from_str::<Value>(value) else { return };
    let Ok(schema) = Schema::read(&schema) else { return };
    if let Err(faults) = schema.check(&value) {
        assert!((1..=deskbell::event::schema::FAULTS_MAX).contains(&faults.len()));
        assert!(faults.iter().all(|fault| !fault.message.is_empty()));
    }
}

pub const PUBLICATIONS: &[&str] = &[
    "{\"type\":\"order.paid\",\"data\":{\"order\":7}}",
    "{\"type\":\"order.paid\",\"data\":{},\"room\":\"role:agent\",\"audience\":\"staff\"}",
    "{\"type\":\"a.b\",\"data\":{},\"user_id\":\"01999999-0000-7000-8000-000000000001\"}",
];

/// An event of somebody's own has a good name that is not one of ours, and an object for data.
pub fn publish(data: &[u8]) {
    let Ok(publish) = body::from_json::<Publish>(data) else { return };
    if let Ok((publication, data)) = publish.check("") {
        let name = publication.name();
        assert!(Kind::is_well_formed(name) && !Kind::is_reserved(name), "{name}");
        assert!(data.is_object());
    }
}
