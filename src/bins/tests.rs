//! What bins promise, tested beside them; what they promise to clients is tested from outside.

use super::*;
use crate::{
    id::TenantId,
    webhooks::{address::Guard, sign},
};
use ::http::{HeaderMap, Method};
use bytes::Bytes;
use std::time::Instant;
use url::Url;

const NOW: i64 = 1_729_866_000_000;
const ORIGIN: &str = "http://127.0.0.1:8000";

fn wanted(json: serde_json::Value) -> Wanted {
    serde_json::from_value::<Wish>(json).unwrap().wanted(Wanted::default()).unwrap()
}

fn incoming(headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Incoming {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let body = Bytes::from(body.into());
    Incoming { method: Method::POST, path: "/bin/x".into(), headers, body, from: None }
}

struct World {
    bins: Bins,
    tenant: TenantId,
    id: BinId,
}

fn world(behaviour: &serde_json::Value) -> World {
    let (bins, tenant) = (Bins::default(), TenantId::new(NOW));
    let wanted = wanted(serde_json::json!({ "behaviour": behaviour }));
    let id = bins.make(tenant, wanted, ORIGIN, NOW).unwrap().id;
    World { bins, tenant, id }
}

impl World {
    fn take(&self, way: Way, body: &str, now: i64) -> Taken {
        self.bins.take((self.id, way), incoming(&[], body), &[], now)
    }

    fn kept(&self, now: i64) -> Vec<serde_json::Value> {
        let all = self.bins.requests((self.tenant, self.id), 0, now).unwrap();
        all.iter().map(|kept| serde_json::to_value(&**kept).unwrap()).collect()
    }
}

#[test]
fn a_bin_is_named_by_32_lower_case_hexadecimal_digits_and_found_in_a_path() {
    let id = BinId::random().unwrap();
    let text = id.to_string();
    assert_eq!((text.len(), text.parse()), (32, Ok(id)));
    assert_eq!(BinId::in_path(&format!("/bin/{text}")), Some(id));
    assert_eq!(BinId::in_path(&format!("/bin/{text}/orders/7")), Some(id));
    let other = text.replace(|c: char| c.is_ascii_digit(), "A");
    for bad in [&text[1..], &format!("{text}0"), "+0000000000000000000000000000001", "", &other] {
        assert_eq!(bad.parse::<BinId>(), Err(()), "{bad}");
    }
    for bad in [format!("/bin/{text}x"), format!("/bins/{text}"), format!("bin/{text}")] {
        assert_eq!(BinId::in_path(&bad), None, "{bad}");
    }
}

#[test]
fn wishes_are_checked_and_complete_what_is() {
    let told = |wish: serde_json::Value| {
        let wish: Wish = serde_json::from_value(wish).unwrap();
        match wish.wanted(Wanted::default()) {
            Ok(wanted) => serde_json::to_string(&wanted.behaviour).unwrap(),
            Err(Error::Invalid(fields)) => {
                fields.iter().map(|f| f.field.clone()).collect::<Vec<_>>().join(" ")
            }
            Err(e) => panic!("{e:?}"),
        }
    };
    let table = [
        (r#"{}"#, r#"{"status":200,"delay_ms":0,"hang":false}"#),
        (r#"{"behaviour":{"status":503}}"#, r#"{"status":503,"delay_ms":0,"hang":false}"#),
        (r#"{"behaviour":{"status":199,"delay_ms":60001}}"#, "behaviour.status behaviour.delay_ms"),
        (r#"{"behaviour":{"status":600}}"#, "behaviour.status"),
        (r#"{"secret":"whsec_!"}"#, "secret"),
        (r#"{"name":"a\nb"}"#, "name"),
    ];
    for (wish, expected) in table {
        assert_eq!(told(serde_json::from_str(wish).unwrap()), expected, "{wish}");
    }
    let had =
        wanted(serde_json::json!({ "name": "a", "secret": "hush", "behaviour": { "hang": true } }));
    let kept: Wish = serde_json::from_str(r#"{"behaviour":{"status":500}}"#).unwrap();
    let kept = kept.wanted(had.clone()).unwrap();
    assert!(kept.key.is_some() && kept.behaviour.hang && kept.name == "a");
    let cleared: Wish = serde_json::from_str(r#"{"secret":null}"#).unwrap();
    assert!(cleared.wanted(had).unwrap().key.is_none());
}

#[test]
fn the_newest_hundred_are_kept_within_a_mebibyte_and_credentials_are_hidden() {
    let world = world(&serde_json::json!({}));
    for n in 1..=150 {
        assert!(matches!(world.take(Way::Inside, &n.to_string(), NOW), Taken::Kept { .. }));
    }
    let kept = world.kept(NOW);
    assert_eq!(
        (kept.len(), &kept[0]["number"], &kept[99]["body"]),
        (100, &150.into(), &"51".into())
    );
    let large = "x".repeat(BODY_MAX);
    for _ in 0..30 {
        assert!(matches!(world.take(Way::Inside, &large, NOW), Taken::Kept { .. }));
    }
    let kept = world.kept(NOW);
    assert!(kept.len() < 17, "{}", kept.len());
    let too_large = "x".repeat(BODY_MAX + 1);
    assert!(matches!(world.take(Way::Inside, &too_large, NOW), Taken::TooLarge));
    let bin = world.bins.find(world.tenant, world.id, NOW).unwrap();
    assert_eq!((bin.taken, bin.refused), (180, 1));
}

#[test]
fn credentials_are_hidden_and_bytes_are_kept() {
    let world = world(&serde_json::json!({}));
    let secret = [("cookie", "deskbell=abc"), ("authorization", "Bearer 0123456789"), ("x-a", "1")];
    let sent = incoming(&secret, vec![0xff, 0x00]);
    world.bins.take((world.id, Way::Wire), sent, &[], NOW);
    let last = &world.kept(NOW)[0];
    assert_eq!(last["headers"]["cookie"], "(hidden)");
    assert_eq!(last["headers"]["authorization"], "Bearer (hidden, 10 characters)");
    assert_eq!((&last["headers"]["x-a"], &last["body"]), (&"1".into(), &serde_json::Value::Null));
    assert_eq!(last["body_base64"], "/wA=");
}

#[test]
fn a_bin_takes_twenty_a_second_from_outside_and_ends_after_a_week() {
    let world = world(&serde_json::json!({}));
    for _ in 0..PER_SECOND {
        assert!(matches!(world.take(Way::Wire, "", NOW), Taken::Kept { .. }));
    }
    assert!(matches!(world.take(Way::Wire, "", NOW + 999), Taken::TooMany));
    assert!(matches!(world.take(Way::Inside, "", NOW + 999), Taken::Kept { .. }));
    assert!(matches!(world.take(Way::Wire, "", NOW + 1000), Taken::Kept { .. }));
    assert_eq!(world.bins.all(world.tenant, NOW + LIFE_MS - 1).len(), 1);
    assert!(matches!(world.take(Way::Wire, "", NOW + LIFE_MS), Taken::Gone));
    assert!(world.bins.all(world.tenant, NOW + LIFE_MS).is_empty());
    assert!(world.bins.find(world.tenant, world.id, NOW).is_err());
}

#[test]
fn a_tenant_has_twenty_bins_and_another_tenants_are_not_there() {
    let world = world(&serde_json::json!({}));
    for _ in 1..BINS_MAX {
        world.bins.make(world.tenant, Wanted::default(), ORIGIN, NOW).unwrap();
    }
    let full = world.bins.make(world.tenant, Wanted::default(), ORIGIN, NOW);
    assert!(matches!(full, Err(Error::Conflict { code: "too_many_bins", .. })));
    let other = TenantId::new(NOW + 1);
    world.bins.make(other, Wanted::default(), ORIGIN, NOW).unwrap();
    assert!(matches!(world.bins.find(other, world.id, NOW), Err(Error::NotFound("bin"))));
    assert!(world.bins.delete(other, world.id, NOW).is_err());
    assert_eq!(world.bins.all(other, NOW).len(), 1);
    world.bins.delete(world.tenant, world.id, NOW).unwrap();
    world.bins.make(world.tenant, Wanted::default(), ORIGIN, NOW).unwrap();
}

#[test]
fn ten_requests_hang_at_a_time_and_go_on_when_the_bin_is_changed() {
    let world = world(&serde_json::json!({ "hang": true }));
    let take = || match world.take(Way::Inside, "", NOW) {
        Taken::Kept { waiting, .. } => waiting,
        Taken::NoPlace => None,
        other => panic!("{other:?}"),
    };
    let mut waiting: Vec<Waiting> = (0..HANGING_MAX).map(|_| take().expect("a place")).collect();
    assert!(take().is_none(), "the eleventh is refused");
    assert!(!waiting[0].block(Duration::from_millis(1)), "it hangs until its time is up");
    waiting.pop();
    waiting.push(take().expect("the place that became free"));
    let began = Instant::now();
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| waiting[0].block(Duration::from_secs(60)));
        let wish = serde_json::from_str(r#"{"behaviour":{"hang":false}}"#).unwrap();
        world.bins.change(world.tenant, world.id, wish, NOW).unwrap();
        assert!(blocked.join().unwrap(), "it was let go");
    });
    assert!(began.elapsed() < Duration::from_secs(30));
    assert!(take().is_none(), "and the bin no longer makes anybody wait");
}

#[tokio::test]
async fn a_late_answer_is_as_late_as_it_should_be_and_a_stop_ends_all_waits() {
    let world = world(&serde_json::json!({ "delay_ms": 30, "status": 500 }));
    let wait = |taken| match taken {
        Taken::Kept { waiting: Some(waiting), status: 500, .. } => waiting,
        other => panic!("{other:?}"),
    };
    let began = Instant::now();
    let late = wait(world.take(Way::Wire, "", NOW));
    assert!(late.pass(Duration::from_secs(60)).await);
    assert!(began.elapsed() >= Duration::from_millis(30));
    assert!(!late.block(Duration::from_millis(1)), "a short time-out comes first");
    let wish = serde_json::from_str(r#"{"behaviour":{"delay_ms":60000}}"#).unwrap();
    world.bins.change(world.tenant, world.id, wish, NOW).unwrap();
    let slow = wait(world.take(Way::Wire, "", NOW));
    let stopped = async { world.bins.stop() };
    let (passed, ()) = tokio::join!(slow.pass(Duration::from_secs(60)), stopped);
    assert!(passed && began.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_signature_is_judged_by_the_bins_secret_or_else_the_webhooks() {
    let key = |secret: &str| SigningKey::new(secret).unwrap();
    let body = b"{\"a\":1}";
    let standard = sign::standard(&[key("good-secret")], "id-1", NOW / 1000, body);
    let plain = sign::plain(&key("good-secret"), body);
    let at = (NOW / 1000).to_string();
    let both = [
        ("x-webhook-signature", plain.as_str()),
        ("webhook-id", "id-1"),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", standard.as_str()),
    ];
    let judge = |own: &str, keys: &[SigningKey], headers: &[(&'static str, &str)], now: i64| {
        let bins = Bins::default();
        let tenant = TenantId::new(NOW);
        let made = bins.make(tenant, wanted(serde_json::json!({ "secret": own })), ORIGIN, now);
        let id = made.unwrap().id;
        bins.take((id, Way::Inside), incoming(headers, body.to_vec()), keys, now);
        bins.requests((tenant, id), 0, now).unwrap()[0].signature.verdict
    };
    assert_eq!(judge("good-secret", &[], &both, NOW), "valid");
    assert_eq!(judge("", &[key("old"), key("good-secret")], &both, NOW), "valid");
    assert_eq!(judge("", &[key("good-secret")], &both[..1], NOW), "valid");
    assert_eq!(judge("other-secret", &[key("good-secret")], &both, NOW), "invalid");
    assert_eq!(judge("good-secret", &[], &both, NOW + 301_000), "invalid");
    assert_eq!(judge("good-secret", &[], &both[1..2], NOW), "unsigned");
    assert_eq!(judge("", &[], &both, NOW), "no_secret");
}

#[test]
fn a_url_means_a_bin_when_it_is_ours_or_the_very_one_that_was_given() {
    let World { bins, id, .. } = world(&serde_json::json!({}));
    let at = |url: &str, ours| bins.at(&Url::parse(url).unwrap(), ours);
    assert_eq!(at(&format!("{ORIGIN}{}", id.path()), false), Some(id));
    assert_eq!(at(&format!("{ORIGIN}{}/more?x=1", id.path()), false), Some(id));
    let elsewhere = format!("http://127.0.0.1:8001{}", id.path());
    assert_eq!((at(&elsewhere, false), at(&elsewhere, true)), (None, Some(id)));
    assert_eq!(at(&format!("https://evil.example{}", id.path()), false), None);
    assert_eq!(at("http://127.0.0.1:8000/api/v1/bins", true), None);
}

#[test]
fn of_the_servers_own_addresses_the_guard_lets_only_bins_through() {
    let public = Url::parse("https://desk.example.com").ok();
    let guard = Guard::new("").unwrap().with_own(["0.0.0.0:8000".parse().unwrap()]);
    let guard = guard.with_bins(public, Bins::default());
    let bin = "bin/00112233445566778899aabbccddeeff";
    for ours in ["http://127.0.0.1:8000", "http://localhost:8000", "https://desk.example.com"] {
        let target = guard.parse_url(&format!("{ours}/{bin}?a")).unwrap();
        assert!(target.bin().is_some(), "{ours}");
    }
    for other in ["https://127.0.0.1:8000", "http://127.0.0.1:8001", "http://10.0.0.1:8000"] {
        assert!(guard.parse_url(&format!("{other}/{bin}")).is_err(), "{other}");
    }
    for other in ["bin/00", &format!("x/{bin}"), &format!("{bin}/../../api/v1/events")] {
        let refused = guard.parse_url(&format!("http://127.0.0.1:8000/{other}"));
        assert_eq!(refused.unwrap_err().rule(), "own_address", "{other}");
    }
    let elsewhere = guard.parse_url(&format!("https://evil.example/{bin}")).unwrap();
    assert!(elsewhere.bin().is_none());
}
