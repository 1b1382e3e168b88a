//! Files through their routes: who may add, see, change and download them.

use crate::{
    attachments::{Store, download, http as files, link::LINK_TTL_MS, sweep},
    comments::tests::{Desk, fits},
    event::Kind,
    http::Core,
};
use axum::{Router, extract::FromRef, routing::get};
use serde_json::{Value, json};

/// The routes of files.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Core: FromRef<S>,
    Store: FromRef<S>,
{
    Router::new()
        .route("/tickets/{id}/attachments", get(files::of_ticket).post(files::add_to_ticket))
        .route("/comments/{id}/attachments", get(files::of_comment).post(files::add_to_comment))
        .route("/kb/articles/{id}/attachments", get(files::of_article).post(files::add_to_article))
        .route("/attachments/{id}", get(files::show).patch(files::update).delete(files::delete))
        .route("/attachments/{id}/download", get(download::http::download))
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";

/// Adds a file to the ticket, and expects it to work; answers it.
async fn added(desk: &Desk, who: &str, name: &str, bytes: &[u8]) -> Value {
    let path = format!("/tickets/{}/attachments", desk.ticket);
    let (status, answer) = desk.send(who, &path, (name, bytes), &[]).await;
    assert_eq!(status, 201, "{answer}");
    answer["data"].clone()
}

fn one(file: &Value) -> String {
    format!("/attachments/{}", file["id"].as_str().unwrap())
}

/// From the form to the events: everybody on the ticket hears of the file and is told, and the
/// whole of it can be fetched with nothing but the link in the event.
#[tokio::test]
async fn a_file_is_heard_of_by_everybody_on_the_ticket() {
    let desk = Desk::new().await;
    let seq = desk.house.db.latest_seq();
    let file = added(&desk, "Ina", "label roll.jpg", PNG).await;
    for (field, value) in [
        ("filename", json!("label roll.jpg")),
        ("content_type", json!("image/png")),
        ("size", json!(PNG.len())),
        ("parent_type", json!("ticket")),
        ("parent_id", json!(desk.ticket)),
        ("uploaded_by", json!(desk.id("Ina"))),
    ] {
        assert_eq!(file[field], value, "{field}");
    }
    fits(&Kind::AttachmentAdded, &file);
    assert_eq!(desk.kinds_after(seq).await, ["attachment.added"]);
    let words = "New attachment 'label roll.jpg' on your ticket 'Printer' by Ina";
    let told = ["Ada", "Ben", "Fred"].map(|name| format!("{name}: {words}"));
    assert_eq!(desk.told_after(seq).await, told);
    for who in ["Ina", "Fred", "Sue"] {
        let heard = desk.heard_after(seq, who).await;
        let event = heard.iter().find(|e| e["type"] == "attachment.added").unwrap();
        assert_eq!(event["data"], file, "{who}");
    }
    assert_eq!(desk.heard_after(seq, "Olaf").await, Vec::<Value>::new());

    let link = file["download_url"].as_str().unwrap().strip_prefix("/api/v1").unwrap();
    let (status, _, bytes) = desk.get("", link, &[]).await;
    assert_eq!((status, &bytes[..]), (200, PNG));
    let (_, listed) = desk.ask("Fred", "GET /tickets/1/attachments", Value::Null).await;
    assert_eq!(listed["data"][0]["id"], file["id"]);
    let (_, shown) = desk.ask("Ada", &format!("GET {}", one(&file)), Value::Null).await;
    assert_eq!(shown["data"]["sha256"], file["sha256"]);
}

/// A link is for one file and one day, and dies with it.
#[tokio::test]
async fn a_link_ends_with_its_day_or_its_file() {
    let desk = Desk::new().await;
    let (first, second) =
        (added(&desk, "Ina", "a", b"one").await, added(&desk, "Ina", "b", b"two").await);
    let link = |file: &Value| file["download_url"].as_str().unwrap()["/api/v1".len()..].to_owned();
    let query = link(&first).split_once('?').unwrap().1.to_owned();
    let swapped = format!("{}/download?{query}", one(&second));
    assert_eq!(desk.get("", &swapped, &[]).await.0, 403);
    assert_eq!(desk.get("", &format!("{}/download", one(&first)), &[]).await.0, 401);
    // Somebody who may see it anyway does not need the link to be good.
    assert_eq!(desk.get("Ina", &swapped, &[]).await.2, b"two");
    assert_eq!(desk.get("Olaf", &swapped, &[]).await.0, 404);
    desk.ask("Ina", &format!("DELETE {}", one(&second)), Value::Null).await;
    assert_eq!(desk.get("", &link(&second), &[]).await.0, 404);
    assert_eq!(desk.get("", &link(&first), &[]).await.0, 200);
    desk.house.clock().advance_ms(LINK_TTL_MS + 1_000);
    assert_eq!(desk.get("", &link(&first), &[]).await.0, 403);
}

/// A browser never shows a file as part of our pages, whatever it says it is.
#[tokio::test]
async fn a_download_cannot_do_anything() {
    let desk = Desk::new().await;
    let evil = b"<svg onload=alert(1)><script>alert(1)</script>";
    let name = "../\u{202e}a;\r\n x=\\\"ä.svg".replace(['\r', '\n'], "");
    let file = added(&desk, "Ina", &name, evil).await;
    assert_eq!(file["content_type"], "text/plain");
    let path = format!("{}/download", one(&file));
    let (status, headers, bytes) = desk.get("Ada", &path, &[]).await;
    assert_eq!((status, &bytes[..]), (200, &evil[..]));
    for (name, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "private, no-cache"),
        ("cross-origin-resource-policy", "same-origin"),
        ("accept-ranges", "bytes"),
        ("content-length", "46"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let disposition = headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\""), "{disposition}");
    assert!(disposition.ends_with("%C3%A4.svg") && !disposition.contains(".."), "{disposition}");
}

/// Parts of a file, and none of it when the client has it already.
#[tokio::test]
async fn a_download_can_go_on_and_be_cached() {
    let desk = Desk::new().await;
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n % 253) as u8).collect();
    let file = added(&desk, "Ina", "a.bin", &bytes).await;
    let path = format!("{}/download", one(&file));
    let (status, headers, whole) = desk.get("Ina", &path, &[]).await;
    assert!(status == 200 && whole == bytes);
    let tag = headers["etag"].to_str().unwrap();
    let (status, headers, part) = desk.get("Ina", &path, &[("range", "bytes=200000-")]).await;
    assert!(status == 206 && part == bytes[200_000..]);
    assert_eq!(headers["content-range"], "bytes 200000-299999/300000");
    assert_eq!(headers["content-length"], "100000");
    let range = ("range", "bytes=-1");
    assert_eq!(desk.get("Ina", &path, &[range, ("if-range", tag)]).await.2, bytes[299_999..]);
    assert_eq!(desk.get("Ina", &path, &[range, ("if-range", "\"other\"")]).await.0, 200);
    let (status, headers, none) = desk.get("Ina", &path, &[("range", "bytes=300000-")]).await;
    assert_eq!((status, none.len()), (416, 0));
    assert_eq!(headers["content-range"], "bytes */300000");
    let (status, _, none) = desk.get("Ina", &path, &[("if-none-match", tag)]).await;
    assert_eq!((status, none.len()), (304, 0));
    assert_eq!(desk.get("Olaf", &path, &[("if-none-match", tag)]).await.0, 404);

    std::fs::remove_dir_all(desk.folder().join("attachments")).unwrap();
    let (status, _, told) = desk.get("Ina", &path, &[]).await;
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!((status, &told["error"]["code"]), (410, &json!("content_gone")));
}

/// The files of a note are as internal as the note; those of others' tickets do not exist.
#[tokio::test]
async fn customers_never_learn_of_the_files_of_a_note() {
    let desk = Desk::new().await;
    let note = desk.comment("Ada", json!({ "body": "x", "visibility": "internal" })).await;
    let public = desk.comment("Ina", json!({ "body": "x" })).await;
    let of = |comment: &Value| format!("/comments/{}/attachments", comment["id"].as_str().unwrap());
    let seq = desk.house.db.latest_seq();
    let (_, secret) = desk.send("Ada", &of(&note), ("secret.txt", b"secret"), &[]).await;
    let secret = secret["data"].clone();
    fits(&Kind::AttachmentAdded, &secret);
    desk.ask("Ada", &format!("PATCH {}", one(&secret)), json!({ "filename": "more" })).await;
    let told = [
        "Ben: Attachment 'more' on your ticket 'Printer' was updated by Ada",
        "Ben: New attachment 'secret.txt' on your ticket 'Printer' by Ada",
    ];
    assert_eq!(desk.told_after(seq).await, told);
    for who in ["Ina", "Fred", "Olaf"] {
        assert_eq!(desk.heard_after(seq, who).await, Vec::<Value>::new(), "{who}");
    }
    let (status, own) = desk.send("Ina", &of(&public), ("a.txt", b"a"), &[]).await;
    assert_eq!((status, &own["data"]["parent_type"]), (201, &json!("comment")));
    let own = own["data"].clone();
    for (who, file, note, status) in
        [("Ina", &secret, &note, 404), ("Olaf", &own, &public, 404), ("Xaver", &own, &public, 404)]
    {
        let one = one(file);
        for (what, body) in [
            (format!("GET {one}"), Value::Null),
            (format!("PATCH {one}"), json!({ "filename": "x" })),
            (format!("DELETE {one}"), Value::Null),
            (format!("GET {}", of(note)), Value::Null),
        ] {
            assert_eq!(desk.ask(who, &what, body).await.0, status, "{who} {what}");
        }
        assert_eq!(desk.get(who, &format!("{one}/download"), &[]).await.0, status, "{who}");
        assert_eq!(desk.send(who, &of(note), ("x", b"x"), &[]).await.0, status, "{who}");
    }
    // The list of the ticket has only what hangs on the ticket itself.
    let (_, listed) = desk.ask("Ada", &desk.at_ticket("GET", "attachments"), Value::Null).await;
    assert_eq!(listed["data"], json!([]));
    let comment = format!("GET /comments/{}", public["id"].as_str().unwrap());
    let (_, shown) = desk.ask("Ina", &comment, Value::Null).await;
    assert_eq!(shown["data"]["attachments"], json!([own["id"]]));

    // With the comment go its files, and each is said to be gone.
    let seq = desk.house.db.latest_seq();
    desk.ask("Ina", &comment.replace("GET", "DELETE"), Value::Null).await;
    let kinds = desk.kinds_after(seq).await;
    assert_eq!(kinds, ["attachment.deleted", "comment.deleted", "ticket.updated"]);
    fits(&Kind::AttachmentDeleted, &desk.house.said_after(seq).await[0]["data"]);
    assert_eq!(desk.ask("Ada", &format!("GET {}", one(&own)), Value::Null).await.0, 404);
}

/// Who added a file renames and deletes it, customers only until the ticket is closed; supervisors
/// do so with all.
#[tokio::test]
async fn owners_and_supervisors_change_files() {
    let desk = Desk::new().await;
    for (owner, who, status) in [
        ("Ada", "Ben", 403),
        ("Ina", "Ben", 403),
        ("Ina", "Fred", 403),
        ("Ina", "Ina", 200),
        ("Ina", "Sue", 200),
    ] {
        let one = one(&added(&desk, owner, "a.txt", b"x").await);
        let edit = json!({ "filename": "../b.txt" });
        let (got, renamed) = desk.ask(who, &format!("PATCH {one}"), edit).await;
        assert_eq!(got, status, "{owner} {who}: {renamed}");
        if status == 200 {
            assert_eq!(renamed["data"]["filename"], "b.txt");
            assert_eq!(renamed["data"]["version"], 2);
        }
        let gone = desk.ask(who, &format!("DELETE {one}"), Value::Null).await;
        assert_eq!(gone.0, status, "{owner} {who}");
    }
    let comment = desk.comment("Ada", json!({ "body": "x" })).await;
    let path = format!("/comments/{}/attachments", comment["id"].as_str().unwrap());
    for (who, status) in [("Ina", 403), ("Ben", 403), ("Ada", 201), ("Sue", 201)] {
        assert_eq!(desk.send(who, &path, ("x", b"x"), &[]).await.0, status, "{who}");
    }
    let one = one(&added(&desk, "Ina", "a.txt", b"x").await);
    desk.set_status("closed").await;
    let ticket = format!("/tickets/{}/attachments", desk.ticket);
    let (status, told) = desk.send("Ina", &ticket, ("x", b"x"), &[]).await;
    assert_eq!((status, &told["error"]["code"]), (409, &json!("ticket_closed")));
    for (method, body) in [("PATCH", json!({ "filename": "c" })), ("DELETE", Value::Null)] {
        let (status, told) = desk.ask("Ina", &format!("{method} {one}"), body).await;
        assert_eq!((status, &told["error"]["code"]), (409, &json!("ticket_closed")), "{method}");
    }
}

/// The same name says nothing, a stale version is refused, and so is a name that is none.
#[tokio::test]
async fn a_rename_says_what_changed() {
    let desk = Desk::new().await;
    let file = added(&desk, "Ina", "a.txt", b"x").await;
    let patch = format!("PATCH {}", one(&file));
    let seq = desk.house.db.latest_seq();
    assert_eq!(desk.ask("Ina", &patch, json!({ "filename": "a.txt" })).await.0, 200);
    assert_eq!(desk.house.db.latest_seq(), seq);
    let edit = json!({ "filename": "b.txt", "version": 1 });
    assert_eq!(desk.ask("Ina", &patch, edit.clone()).await.0, 200);
    let said = desk.house.said_after(seq).await;
    assert_eq!(said[0]["changes"], json!({ "filename": ["a.txt", "b.txt"] }));
    fits(&Kind::AttachmentUpdated, &said[0]["data"]);
    let (status, stale) = desk.ask("Ina", &patch, edit).await;
    assert_eq!((status, &stale["error"]["code"]), (409, &json!("version_conflict")));
    for bad in [json!({ "filename": ".." }), json!({}), json!({ "size": 1, "filename": "x" })] {
        assert_eq!(desk.ask("Ina", &patch, bad.clone()).await.0, 422, "{bad}");
    }
}

/// Each fault has its status; no row, no event and not a byte on the disk are left of it.
#[tokio::test]
async fn refused_uploads_leave_nothing() {
    let desk = Desk::new().await;
    let path = format!("/tickets/{}/attachments", desk.ticket);
    let seq = desk.house.db.latest_seq();
    let form = "multipart/form-data; boundary=XyZ";
    let whole = "--XyZ\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nabc\r\n";
    for (content_type, body, status) in [
        (form, whole.as_bytes().to_vec(), 400),
        (form, b"".to_vec(), 400),
        (form, b"--XyZ--\r\n".to_vec(), 422),
        ("application/json", b"{}".to_vec(), 415),
        ("multipart/form-data", whole.as_bytes().to_vec(), 400),
    ] {
        let (got, told) = desk.send_raw("Ina", &path, (content_type, body), &[]).await;
        assert_eq!(got, status, "{told}");
    }
    assert_eq!(desk.send("Ina", &path, ("a", b""), &[]).await.0, 422);
    assert_eq!(desk.send("Ina", &path, ("a", &vec![b'x'; (25 << 20) + 1]), &[]).await.0, 413);
    let huge = [("content-length", "99999999999")];
    assert_eq!(desk.send("Ina", &path, ("a", b"x"), &huge).await.0, 413);
    for (who, at) in [("Olaf", path.as_str()), ("Ina", "/tickets/99/attachments")] {
        assert_eq!(desk.send(who, at, ("a", b"x"), &[]).await.0, 404, "{who}");
    }
    let nowhere = format!("/kb/articles/{}/attachments", desk.ticket);
    assert_eq!(desk.send("Ada", &nowhere, ("a", b"x"), &[]).await.0, 404);
    assert_eq!((desk.house.db.latest_seq(), desk.stored().len()), (seq, 0));
}

/// Ten files and no more; the same upload sent twice under a key is one file, also the tenth.
#[tokio::test]
async fn a_parent_has_ten_files_at_most() {
    let desk = Desk::new().await;
    let path = format!("/tickets/{}/attachments", desk.ticket);
    for n in 0..9 {
        added(&desk, "Ina", &n.to_string(), b"x").await;
    }
    let key = [("idempotency-key", "tenth")];
    let first = desk.send("Ina", &path, ("tenth", b"y"), &key).await;
    assert_eq!(first.0, 201);
    assert_eq!(desk.send("Ina", &path, ("tenth", b"y"), &key).await, first);
    let other = desk.send("Ina", &path, ("tenth", b"z"), &key).await;
    assert_eq!(other.1["error"]["code"], "idempotency_key_reused");
    for headers in [&[][..], &[("idempotency-key", "eleventh")]] {
        let (status, told) = desk.send("Ada", &path, ("11", b"x"), headers).await;
        assert_eq!((status, &told["error"]["code"]), (409, &json!("too_many_attachments")));
    }
    sweep::look(&desk.house.db, &desk.files).await;
    assert_eq!(desk.stored().len(), 2, "the same content is there once, refused ones are not");
}

/// Bytes go some time after their last file, and no sooner; a crash that forgot them is made good.
#[tokio::test]
async fn bytes_go_after_their_last_file() {
    let desk = Desk::new().await;
    let first = added(&desk, "Ina", "a", b"shared").await;
    let second = added(&desk, "Ada", "b", b"shared").await;
    let look = async || sweep::look(&desk.house.db, &desk.files).await;
    look().await;
    assert_eq!(desk.stored().len(), 1);
    desk.ask("Ina", &format!("DELETE {}", one(&first)), Value::Null).await;
    look().await;
    let path = format!("{}/download", one(&second));
    assert_eq!(desk.get("Ina", &path, &[]).await.2, b"shared");
    desk.ask("Ada", &format!("DELETE {}", one(&second)), Value::Null).await;
    assert_eq!(desk.stored().len(), 1);
    look().await;
    assert_eq!(desk.stored().len(), 0);

    let kept = added(&desk, "Ina", "c", b"kept").await;
    let gone = added(&desk, "Ina", "d", b"gone").await;
    desk.ask("Ina", &format!("DELETE {}", one(&gone)), Value::Null).await;
    desk.files.take_loose();
    sweep::walk(&desk.house.db, &desk.files).await;
    assert_eq!(desk.stored().len(), 1);
    assert_eq!(desk.get("Ina", &format!("{}/download", one(&kept)), &[]).await.2, b"kept");
}
