//! Hostile files, hostile words in a search, and what a stale change and a view are answered.

use crate::{
    harness::{Server, Session},
    leaks_world::{id, make, upload},
};
use serde_json::json;

const FORM: &str = "multipart/form-data; boundary=b";

fn ticket(admin: &Session) -> String {
    id(&make(admin, "/tickets", json!({ "subject": "a", "description": "x" })))
}

#[test]
fn a_file_with_a_hostile_name_gets_a_harmless_one_and_is_only_ever_a_download() {
    let server = Server::start();
    let admin = server.admin();
    let ticket = ticket(&admin);
    let long = "x".repeat(10_000);
    for (name, stored) in [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("..", "file"),
        ("", "file"),
        ("a\u{202e}gpj.exe", "agpj.exe"),
        ("\u{2066}\u{200f}", "file"),
        (long.as_str(), &long[..255]),
        ("<script>.html", "<script>.html"),
    ] {
        let html = "<html><script>alert(document.cookie)</script>";
        let made = upload(&admin, &format!("/tickets/{ticket}"), name, html).expect(201).data();
        assert_eq!(made["filename"], stored, "{name:?}");
        assert_eq!(made["content_type"], "text/plain", "{name:?}");
        let path = format!("/api/v1/attachments/{}", id(&made));
        let got = admin.get(&format!("{path}/download")).expect(200);
        let header = |name: &str| got.header(name).unwrap_or_default().to_owned();
        assert!(header("content-disposition").starts_with("attachment;"), "{name:?}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").starts_with("sandbox"), "{name:?}");
        assert_eq!(got.text(), html);
        admin.delete(&path).expect(200);
    }
    let image = upload(&admin, &format!("/tickets/{ticket}"), "a.png", "<svg onload=x>");
    assert_eq!(image.expect(201).data()["content_type"], "text/plain", "what it is, not its name");
}

#[test]
fn a_file_that_cannot_be_taken_leaves_nothing_behind() {
    let server = Server::start();
    let admin = server.admin();
    let ticket = ticket(&admin);
    let path = format!("/api/v1/tickets/{ticket}/attachments");
    let folder = server.setup.data_dir().join("attachments");
    let files = || {
        let mut left = vec![folder.clone()];
        let mut files = Vec::new();
        while let Some(next) = left.pop() {
            for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
                let is_folder = entry.file_type().unwrap().is_dir();
                if is_folder { left.push(entry.path()) } else { files.push(entry.path()) }
            }
        }
        files
    };
    let (before, had) = (admin.latest_seq(), files());
    let part = |name: &str, bytes: &[u8]| {
        let head = format!(
            "--b\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"a\"\r\n\r\n"
        );
        [head.as_bytes(), bytes, b"\r\n"].concat()
    };
    let whole = |name: &str, bytes: &[u8]| [part(name, bytes), b"--b--\r\n".to_vec()].concat();
    let huge = vec![b'x'; (25 << 20) + 1];
    for (form, body, status, code) in [
        (FORM, whole("file", b""), 422, "invalid"),
        (FORM, whole("other", b"x"), 422, "invalid"),
        (FORM, b"--b--\r\n".to_vec(), 422, "invalid"),
        (FORM, [part("file", b"x"), whole("file", b"y")].concat(), 422, "invalid"),
        (FORM, part("file", b"cut short")[..70].to_vec(), 400, "malformed"),
        (FORM, part("file", &huge[..1 << 20]), 400, "malformed"),
        (FORM, whole("file", &huge), 413, "too_large"),
        (FORM, b"no form at all".to_vec(), 400, "malformed"),
        ("multipart/form-data", whole("file", b"x"), 400, "malformed"),
        ("application/json", b"{}".to_vec(), 415, "unsupported_media_type"),
        ("text/plain", b"x".to_vec(), 415, "unsupported_media_type"),
    ] {
        let sent = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = admin.request("POST", &path).header("content-type", form).body(body).send();
        assert_eq!(answer.status, status, "{form} {sent}: {}", answer.text());
        answer.refused(status, code);
    }
    assert_eq!((admin.latest_seq(), files()), (before, had));
    for number in 0..10 {
        upload(&admin, &format!("/tickets/{ticket}"), "a", &number.to_string()).expect(201);
    }
    let more = upload(&admin, &format!("/tickets/{ticket}"), "a", "eleven");
    more.refused(409, "too_many_attachments");
    let name = json!({ "filename": ".." });
    let file = id(&admin.get(&path).data()[0]);
    admin.patch(&format!("/api/v1/attachments/{file}"), &name).names(&["filename"]);
    let stale = json!({ "filename": "b", "version": 9 });
    let current = admin.patch(&format!("/api/v1/attachments/{file}"), &stale).error();
    assert_eq!(current["current"]["filename"], "a");
}

#[test]
fn no_word_that_is_searched_for_is_an_operator_or_an_error() {
    let server = Server::start();
    let admin = server.admin();
    ticket(&admin);
    for typed in [
        "\"",
        "\"\"",
        "*",
        "a*b*",
        "(",
        ")",
        "a AND",
        "NOT",
        "NEAR(a b)",
        "who:t0",
        "{title}:a",
        "^a",
        "a\\",
        "'; drop table tickets; --",
        "%",
        "_",
        "\u{0}",
        "a\u{0}b",
        "-1",
        "#",
        "#0",
        "#99999999999999999999",
        "@",
        "a@",
        "ä",
        "日本",
        "🙂",
        "\u{202e}",
        "OR OR OR",
        "+",
        ":",
    ] {
        let q: String =
            typed.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        for path in ["/search?q=", "/tickets?q=", "/users?q=", "/kb/articles?tag="] {
            let answer = admin.get(&format!("/api/v1{path}{q}"));
            assert!(answer.status == 200, "{path}{typed:?}: {} {}", answer.status, answer.text());
        }
    }
    let twice = admin.get("/api/v1/search?q=a&q=b");
    twice.names(&["q"]);
}

#[test]
fn a_change_of_an_older_version_is_answered_with_the_row_as_it_is_for_who_asks() {
    let server = Server::start();
    let admin = server.admin();
    let customer = admin.new_user("customer");
    let ticket = id(&make(&customer, "/tickets", json!({ "subject": "new", "description": "" })));
    let at = format!("/api/v1/tickets/{ticket}");
    let stale = json!({ "subject": "b", "version": 9 });
    for (who, is_staff) in [(&admin, true), (&customer, false)] {
        let refused = who.patch(&at, &stale);
        refused.refused(409, "version_conflict");
        let error = refused.error();
        assert_eq!(
            (&error["current"]["subject"], &error["current"]["version"]),
            (&json!("new"), &json!(1))
        );
        assert_eq!(error["current"], who.get(&at).data());
        assert_eq!(error["current"].get("last_activity_at").is_some(), is_staff);
        assert!(!error["message"].as_str().unwrap().contains('{'), "{error}");
    }
}

#[test]
fn a_list_takes_the_filters_of_a_view_and_its_own_before_them() {
    let server = Server::start();
    let admin = server.admin();
    let [agent, other] = ["agent"; 2].map(|role| admin.new_user(role));
    for (subject, priority) in [("a", "low"), ("b", "high"), ("c", "high")] {
        make(&admin, "/tickets", json!({ "subject": subject, "priority": priority }));
    }
    let filters = json!({ "priority": "high", "sort": "number" });
    let view = id(&make(&agent, "/views", json!({ "name": "Hot", "filters": filters })));
    let subjects = |query: &str| {
        let all = agent.get(&format!("/api/v1/tickets?view={view}{query}")).expect(200).data();
        let all = all.as_array().unwrap().iter().map(|t| t["subject"].as_str().unwrap().to_owned());
        all.collect::<Vec<_>>().join(",")
    };
    assert_eq!((subjects(""), subjects("&sort=-number")), ("b,c".into(), "c,b".into()));
    assert_eq!(subjects("&priority=low"), "a");
    other.get(&format!("/api/v1/tickets?view={view}")).names(&["view"]);
    let program = admin.new_token(&["tickets:read"]);
    program.get(&format!("/api/v1/tickets?view={view}")).refused(403, "forbidden");
    assert_eq!(
        admin.get("/api/v1/tickets.csv?status=closed").expect(200).text().lines().count(),
        1
    );
}
