//! Who may say, read, change and hear what on a ticket.

use super::{Desk, fits};
use crate::event::Kind;
use serde_json::{Value, json};

/// The promise of seed A, word for word: everybody on the ticket but its author is told, and the
/// event carries the whole comment.
#[tokio::test]
async fn a_comment_is_heard_by_everybody_on_the_ticket() {
    let desk = Desk::new().await;
    let seq = desk.house.db.latest_seq();
    let made = desk.comment("Ada", json!({ "body": "Which paper is in the tray?" })).await;
    for (field, value) in [
        ("author_name", json!("Ada")),
        ("visibility", json!("public")),
        ("format", json!("text")),
        ("version", json!(1)),
        ("edited_at", Value::Null),
        ("ticket_id", json!(desk.ticket)),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    fits(&Kind::CommentCreated, &made);
    let words = "New comment on your ticket 'Printer' by Ada";
    let told = ["Ben", "Fred", "Ina"].map(|name| format!("{name}: {words}"));
    assert_eq!(desk.told_after(seq).await, told);
    assert_eq!(desk.kinds_after(seq).await, ["comment.created", "ticket.updated"]);
    for who in ["Ina", "Fred", "Ben"] {
        let heard = desk.heard_after(seq, who).await;
        let event = heard.iter().find(|e| e["type"] == "comment.created").unwrap();
        assert_eq!((&event["data"], &event["actor"]["name"]), (&made, &json!("Ada")), "{who}");
    }
    assert_eq!(desk.heard_after(seq, "Olaf").await, Vec::<Value>::new());
    let ticket = desk.ticket_now().await;
    assert_eq!((ticket.comment_count, ticket.staff.internal_note_count), (1, 0));

    // By the ticket's number too, and what a notification carries is the comment.
    let (_, listed) = desk.ask("Ina", "GET /tickets/1/comments", Value::Null).await;
    assert_eq!(listed["data"], json!([made]));
    let said = desk.house.said_after(seq).await;
    let note = said.iter().find(|e| e["kind"] == "notification.created").unwrap();
    assert_eq!(
        (&note["data"]["entity"]["id"], &note["data"]["related_type"]),
        (&made["id"], &json!("comment"))
    );
}

/// Not a byte, not a count, not a time: customers cannot tell that there is a note, on any route.
#[tokio::test]
async fn customers_never_learn_of_an_internal_note() {
    let desk = Desk::new().await;
    let public = desk.comment("Ada", json!({ "body": "We are on it." })).await;
    let seq = desk.house.db.latest_seq();
    let before = desk.ticket_now().await;
    desk.house.clock().advance_ms(60_000);
    let mentions = json!([desk.id("Sue")]);
    let note =
        json!({ "body": "He is RUDE again", "visibility": "internal", "mentions": mentions });
    let note = desk.comment("Ada", note).await;
    assert_eq!(note["visibility"], "internal");
    let path = format!("/comments/{}", note["id"].as_str().unwrap());

    let after = desk.ticket_now().await;
    assert_eq!(json!(before), json!(after), "what customers see of the ticket has changed");
    assert_eq!(after.staff.internal_note_count, 1);
    for who in ["Ina", "Fred", "Olaf", "Xaver"] {
        for (method, body) in
            [("GET", Value::Null), ("PATCH", json!({ "body": "x" })), ("DELETE", Value::Null)]
        {
            let (status, answer) = desk.ask(who, &format!("{method} {path}"), body).await;
            assert_eq!(status, 404, "{who} {method}: {answer}");
            let unknown = format!("{method} /comments/{}", desk.ticket);
            let same = desk.ask(who, &unknown, json!({ "body": "x" })).await;
            assert_eq!((status, answer), same, "{who} can tell it from what is not there");
        }
    }
    let list = desk.at_ticket("GET", "comments");
    let (_, listed) = desk.ask("Ina", &list, Value::Null).await;
    let meta = json!({ "limit": 50, "more": false, "after": public["id"] });
    assert_eq!((&listed["data"], &listed["meta"]), (&json!([public]), &meta));
    let after_note = format!("{list}?after={}", note["id"].as_str().unwrap());
    let after_nothing = format!("{list}?after={}", desk.ticket);
    let told = desk.ask("Ina", &after_note, Value::Null).await;
    assert_eq!(told, desk.ask("Ina", &after_nothing, Value::Null).await);
    assert_eq!(told.0, 422);

    desk.ask("Ada", &format!("PATCH {path}"), json!({ "body": "He is RUDE today" })).await;
    desk.ask("Ada", &format!("DELETE {path}"), Value::Null).await;
    for who in ["Ina", "Fred"] {
        let heard = desk.heard_after(seq, who).await;
        assert_eq!(heard, Vec::<Value>::new(), "{who}");
    }
    let told = desk.told_after(seq).await;
    let expected = [
        "Ben: Comment on ticket 'Printer' was deleted by Ada",
        "Ben: Comment on ticket 'Printer' was edited by Ada",
        "Ben: New internal note on ticket 'Printer' by Ada",
        "Sue: Ada mentioned you on ticket 'Printer'",
        "Sue: Comment on ticket 'Printer' was deleted by Ada",
        "Sue: Comment on ticket 'Printer' was edited by Ada",
    ];
    assert_eq!(told, expected);
    assert_eq!(desk.ticket_now().await.staff.internal_note_count, 0);
}

/// Staff see notes in the list and by the cursor; the list goes on where it ended.
#[tokio::test]
async fn lists_go_on_where_they_ended() {
    let desk = Desk::new().await;
    for n in 0..5 {
        let visibility = if n % 2 == 0 { "public" } else { "internal" };
        desk.comment("Ada", json!({ "body": n.to_string(), "visibility": visibility })).await;
    }
    for (who, all) in [("Ben", "01234"), ("Ina", "024")] {
        let (mut read, mut after) = (String::new(), String::new());
        loop {
            let list = format!("{}?limit=2{after}", desk.at_ticket("GET", "comments"));
            let (status, page) = desk.ask(who, &list, Value::Null).await;
            assert_eq!(status, 200, "{page}");
            for comment in page["data"].as_array().unwrap() {
                read.push_str(comment["body"].as_str().unwrap());
            }
            after = format!("&after={}", page["meta"]["after"].as_str().unwrap());
            if page["meta"]["more"] == false {
                break;
            }
        }
        assert_eq!(read, all, "{who}");
    }
    for bad in ["limit=0", "limit=201", "page=1", "after=7"] {
        let list = format!("{}?{bad}", desk.at_ticket("GET", "comments"));
        assert_eq!(desk.ask("Ina", &list, Value::Null).await.0, 422, "{bad}");
    }
}

/// A customer comments in public whatever they ask for, brings a pending ticket back, and is told
/// when it is closed.
#[tokio::test]
async fn customers_comment_in_public_until_the_ticket_is_closed() {
    let desk = Desk::new().await;
    desk.set_status("pending").await;
    let seq = desk.house.db.latest_seq();
    let own = desk.comment("Ina", json!({ "body": "Label.", "visibility": "internal" })).await;
    assert_eq!(own["visibility"], "public");
    let kinds = desk.kinds_after(seq).await;
    assert_eq!(kinds, ["comment.created", "ticket.updated", "ticket.status.changed"]);
    let path = format!("/comments/{}", own["id"].as_str().unwrap());
    let edit = |text: &str| json!({ "body": text });
    let patch = format!("PATCH {path}");
    assert_eq!(desk.ask("Ina", &patch, edit("Labels.")).await.0, 200);
    let staffs = desk.comment("Ada", json!({ "body": "Thank you." })).await;
    let staffs = format!("PATCH /comments/{}", staffs["id"].as_str().unwrap());
    assert_eq!(desk.ask("Ina", &staffs, edit("Sorry.")).await.0, 403);

    desk.set_status("closed").await;
    let seq = desk.house.db.latest_seq();
    for (what, body) in [
        (desk.at_ticket("POST", "comments"), edit("Still broken")),
        (patch.clone(), edit("x")),
        (format!("DELETE {path}"), Value::Null),
    ] {
        let (status, told) = desk.ask("Ina", &what, body).await;
        assert_eq!((status, &told["error"]["code"]), (409, &json!("ticket_closed")), "{what}");
    }
    assert_eq!(desk.house.db.latest_seq(), seq);
    assert_eq!(desk.ask("Sue", &patch, edit("Labels!")).await.0, 200);
}

/// Strangers get nowhere, agents change their own, supervisors everybody's.
#[tokio::test]
async fn authors_and_supervisors_change_comments() {
    let desk = Desk::new().await;
    let new = json!({ "body": "x" });
    for who in ["Olaf", "Xaver"] {
        for what in ["GET", "POST"].map(|method| desk.at_ticket(method, "comments")) {
            assert_eq!(desk.ask(who, &what, new.clone()).await.0, 404, "{who} {what}");
        }
    }
    assert_eq!(desk.ask("", &desk.at_ticket("GET", "comments"), Value::Null).await.0, 401);
    for (author, who, status) in [
        ("Ada", "Ben", 403),
        ("Ina", "Ben", 403),
        ("Ina", "Fred", 403),
        ("Ina", "Olaf", 404),
        ("Ina", "Xaver", 404),
        ("Ada", "Sue", 200),
        ("Fred", "Fred", 200),
    ] {
        let made = desk.comment(author, new.clone()).await;
        let path = format!("/comments/{}", made["id"].as_str().unwrap());
        let edit = json!({ "body": "y" });
        assert_eq!(desk.ask(who, &format!("PATCH {path}"), edit).await.0, status, "{author} {who}");
        let gone = desk.ask(who, &format!("DELETE {path}"), Value::Null).await;
        assert_eq!(gone.0, status, "{author} {who}");
    }
}

/// What changes nothing says nothing; what does says what, once; a stale one is refused.
#[tokio::test]
async fn an_edit_says_what_changed() {
    let desk = Desk::new().await;
    let made = desk.comment("Ada", json!({ "body": "one" })).await;
    let path = format!("PATCH /comments/{}", made["id"].as_str().unwrap());
    let seq = desk.house.db.latest_seq();
    let (status, same) = desk.ask("Ada", &path, json!({ "body": "one", "mentions": [] })).await;
    assert_eq!((status, &same["data"], desk.house.db.latest_seq()), (200, &made, seq));

    let edit = json!({ "body": "two", "format": "markdown", "version": 1 });
    let (_, edited) = desk.ask("Ada", &path, edit.clone()).await;
    assert_eq!((&edited["data"]["version"], &edited["data"]["body"]), (&json!(2), &json!("two")));
    assert!(edited["data"]["edited_at"].is_string());
    let said = desk.house.said_after(seq).await;
    assert_eq!(said[0]["changes"]["body"], json!(["one", "two"]));
    assert_eq!(said[0]["changes"]["format"], json!(["text", "markdown"]));
    fits(&Kind::CommentUpdated, &said[0]["data"]);
    let (status, stale) = desk.ask("Ada", &path, edit).await;
    assert_eq!((status, &stale["error"]["code"]), (409, &json!("version_conflict")));
    let (status, _, _) =
        desk.ask_with("Ada", &path, &[("if-match", "\"1\"")], json!({ "body": "x" })).await;
    assert_eq!(status, 409);
    let (status, told) = desk.ask("Ada", &path, json!({ "visibility": "internal" })).await;
    assert_eq!(status, 422);
    assert!(told["error"]["fields"]["visibility"].is_string(), "{told}");

    let seq = desk.house.db.latest_seq();
    let delete = path.replace("PATCH", "DELETE");
    let (_, gone) = desk.ask("Ada", &delete, Value::Null).await;
    assert!(gone["data"]["deleted_at"].is_string());
    fits(&Kind::CommentDeleted, &gone["data"]);
    assert_eq!(desk.kinds_after(seq).await, ["comment.deleted", "ticket.updated"]);
    assert_eq!(desk.ask("Ada", &delete, Value::Null).await.0, 404);
    assert_eq!(desk.ticket_now().await.comment_count, 0);
}

/// Whoever is mentioned can read it; who is unknown and who may not are not told apart.
#[tokio::test]
async fn only_readers_are_mentioned() {
    let desk = Desk::new().await;
    let post = desk.at_ticket("POST", "comments");
    let mention = |who: &str, visibility: &str| {
        let mentions = [desk.id(who)];
        json!({ "body": "look", "visibility": visibility, "mentions": mentions })
    };
    for (by, who, visibility, status) in [
        ("Ada", "Ben", "internal", 201),
        ("Ada", "Ina", "internal", 422),
        ("Ada", "Ina", "public", 201),
        ("Ada", "Olaf", "public", 422),
        ("Ada", "Xaver", "public", 422),
        ("Ina", "Sue", "public", 201),
        ("Ina", "Olaf", "public", 422),
    ] {
        let (got, told) = desk.ask(by, &post, mention(who, visibility)).await;
        assert_eq!(got, status, "{by} {who} {visibility}: {told}");
        if status == 422 {
            let why = "is nobody who may read this comment";
            assert_eq!(told["error"]["fields"]["mentions[0]"], why);
        }
    }
    let made = desk.comment("Ada", mention("Ben", "public")).await;
    let seq = desk.house.db.latest_seq();
    let both = json!({ "mentions": [desk.id("Ben"), desk.id("Sue"), desk.id("Sue")] });
    let path = format!("PATCH /comments/{}", made["id"].as_str().unwrap());
    let (_, edited) = desk.ask("Ada", &path, both).await;
    assert_eq!(edited["data"]["mentions"], json!([desk.id("Ben"), desk.id("Sue")]));
    assert_eq!(edited["data"]["edited_at"], Value::Null);
    let told = desk.told_after(seq).await;
    assert!(told.contains(&String::from("Sue: Ada mentioned you on ticket 'Printer'")));
    assert!(told.contains(&String::from("Ben: Comment on ticket 'Printer' was edited by Ada")));
    assert_eq!(told.len(), 4, "{told:?}");
}

/// Every fault is named, and nothing of it is stored.
#[tokio::test]
async fn bad_comments_are_refused() {
    let desk = Desk::new().await;
    let post = desk.at_ticket("POST", "comments");
    let seq = desk.house.db.latest_seq();
    let many: Vec<_> = (0..51).map(|_| crate::id::UserId::new(0)).collect();
    for (body, field) in [
        (json!({ "body": " \n" }), "body"),
        (json!({}), "body"),
        (json!({ "body": "x".repeat(65_537) }), "body"),
        (json!({ "body": "a\0b" }), "body"),
        (json!({ "body": "x", "visibility": "secret" }), "visibility"),
        (json!({ "body": "x", "format": "html" }), "format"),
        (json!({ "body": "x", "mentions": ["me"] }), "mentions[0]"),
        (json!({ "body": "x", "mentions": many }), "mentions"),
        (json!({ "body": "x", "author_id": desk.id("Sue") }), "author_id"),
    ] {
        let (status, told) = desk.ask("Ada", &post, body).await;
        assert_eq!(status, 422, "{told}");
        assert!(told["error"]["fields"][field].is_string(), "{field}: {told}");
    }
    let (_, told) = desk.ask("Ada", &post, json!({ "body": "x", "visibility": "secret" })).await;
    let words = told["error"]["fields"]["visibility"].as_str().unwrap();
    assert!(words.contains("public") && words.contains("internal"), "{words}");
    assert_eq!(desk.house.db.latest_seq(), seq);
    let longest = desk.comment("Ada", json!({ "body": "x".repeat(65_536) })).await;
    fits(&Kind::CommentCreated, &longest);
}

/// The same request sent twice is one comment; another one under its key is refused.
#[tokio::test]
async fn a_repeated_request_is_one_comment() {
    let desk = Desk::new().await;
    let post = desk.at_ticket("POST", "comments");
    let key = [("idempotency-key", "once")];
    let first = desk.ask_with("Ada", &post, &key, json!({ "body": "x" })).await;
    let seq = desk.house.db.latest_seq();
    let second = desk.ask_with("Ada", &post, &key, json!({ "body": "x" })).await;
    assert_eq!((first.2, second.0.as_u16()), (second.2, 201));
    assert_eq!(second.1["idempotency-replayed"], "true");
    let other = desk.ask_with("Ada", &post, &key, json!({ "body": "y" })).await;
    assert_eq!(other.2["error"]["code"], "idempotency_key_reused");
    assert_eq!(desk.house.db.latest_seq(), seq);
}

/// A deleted ticket takes its comments with it, and gives them back.
#[tokio::test]
async fn comments_go_and_come_back_with_their_ticket() {
    let desk = Desk::new().await;
    let made = desk.comment("Ina", json!({ "body": "x" })).await;
    let path = format!("GET /comments/{}", made["id"].as_str().unwrap());
    let (hand, id) = (crate::tickets::Hand::of_system(desk.tenant), desk.ticket);
    let again = hand.clone();
    desk.house.write(move |w| crate::tickets::remove(w, &hand, id, None)).await;
    for who in ["Ina", "Ada"] {
        assert_eq!(desk.ask(who, &path, Value::Null).await.0, 404, "{who}");
    }
    desk.house.write(move |w| crate::tickets::restore(w, &again, id, None)).await;
    assert_eq!(desk.ask("Ina", &path, Value::Null).await.0, 200);
}
