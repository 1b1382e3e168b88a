//! Posts as they come from telephone systems, in both shapes.

use super::*;

#[test]
fn a_form_and_json_say_the_same() {
    let form = b"event=newCall&direction=in&callId=abc%201&from=4930987654&to=4930123000\
        &user%5B%5D=Anna+Agent&user[]=Ben&queue=support&fullUser[]=x&unknown=1";
    let json = br#"{"event":"newCall","direction":"in","callId":"abc 1","from":4930987654,
        "to":"4930123000","user":["Anna Agent","Ben"],"queue":"support","extra":{"a":1}}"#;
    let post = Post::from_form(form).unwrap();
    assert_eq!(post, Post::from_json(json).unwrap());
    assert_eq!((post.call.as_str(), post.users.len()), ("abc 1", 2));
    assert_eq!(post.queue.as_deref(), Some("support"));
}

#[test]
fn what_cannot_be_understood_is_named() {
    let named = |body: &[u8]| match Post::from_form(body) {
        Err(Error::Invalid(fields)) => {
            fields.into_iter().map(|field| field.field).collect::<Vec<_>>().join(" ")
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(named(b""), "event direction callId");
    assert_eq!(named(b"event=ring&direction=in&callId=1"), "event");
    assert_eq!(named(b"event=hangup&direction=up&callId=%0d%0a"), "direction callId");
    for body in [&b"[]"[..], b"nothing", b"\xff", b"7"] {
        assert!(matches!(Post::from_json(body), Err(Error::Malformed(_))), "{body:?}");
    }
}

#[test]
fn values_are_cut_and_people_counted() {
    let long = format!("event=hangup&direction=out&callId=1&from={}", "x".repeat(5_000));
    assert_eq!(Post::from_form(long.as_bytes()).unwrap().from.unwrap().len(), VALUE_MAX);
    let named = |id: &str| {
        let body = format!("event=hangup&direction=out&callId={id}");
        Post::from_form(body.as_bytes()).unwrap().call
    };
    let (one, other) = (format!("{}1", "x".repeat(200)), format!("{}2", "x".repeat(200)));
    assert_eq!(named(&one).len(), 64);
    assert_ne!(named(&one), named(&other));
    let many = format!("event=answer&direction=in&callId=1{}", "&user[]=a".repeat(100));
    assert_eq!(Post::from_form(many.as_bytes()).unwrap().users.len(), USERS_MAX);
}

#[test]
fn only_causes_that_tell_more_than_the_call_itself_are_results() {
    assert_eq!(result(Some("busy")).as_deref(), Some("busy"));
    assert_eq!(result(Some("notFound")).as_deref(), Some("not_found"));
    for cause in [None, Some("cancel"), Some("noAnswer"), Some("normalClearing"), Some("x")] {
        assert_eq!(result(cause), None, "{cause:?}");
    }
}
