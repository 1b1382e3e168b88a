//! How the program starts, and how it refuses to: exit codes, clear words, and nothing changed.

use crate::harness::{Ended, PASSWORD, Play, Receiver, Server, Setup};
use serde_json::json;
use std::{fs, path::Path};

const SEED: &str = "\
# Database
DB_HOST=localhost
DB_PORT=3306
DB_USER=callcenter
DB_PASSWORD=your-password
DB_NAME=callcenter

# JWT
JWT_SECRET=your-secret-key-change-this-in-production

# Server
SERVER_HOST=0.0.0.0
SERVER_PORT=8000
SERVER_ENV=development

# Redis (optional - enables multi-server mode)
REDIS_HOST=localhost
REDIS_PORT=6379
REDIS_PASSWORD=
REDIS_DB=0
";

/// A server that must not start: its code, one line that says why, and nothing secret.
#[track_caller]
fn refuses(setup: &Setup, code: i32, words: &[&str]) -> Ended {
    let ended = setup.run(&["serve"]);
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "{word} is missing: {}", ended.stderr);
    }
    let said = ended.stderr.lines().any(|line| line.starts_with("deskbell: "));
    assert!(said, "{}", ended.stderr);
    assert!(!ended.stdout.contains("Starting server"), "{}", ended.stdout);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    ended
}

#[test]
fn the_seeds_env_file_boots_unchanged_and_says_the_seeds_lines_in_order() {
    let setup = Setup::default().without("SERVER_ENV").without("SERVER_PORT");
    fs::write(setup.root().join(".env"), SEED).unwrap();
    // The port of the sample may be taken on this machine; the environment goes before the file.
    let server = setup.env("SERVER_PORT", "0").start();
    let lines = server.stdout().lines();
    let expected = [
        "Database connected successfully",
        "Repositories initialized",
        "WebSocket Hub started (single-server mode)",
        "Webhook manager started with 10 workers",
        "Event broadcaster initialized (WebSocket + Webhooks)",
        "Services initialized",
        "Handlers initialized",
    ];
    assert_eq!(lines[..7], expected);
    assert_eq!(lines[7], format!("Starting server on 0.0.0.0:{}", server.address.port()));
    assert_eq!(lines.len(), 8, "nothing else is printed: {lines:#?}");
    let admin = server.admin();
    let token = admin.token().to_owned();
    let (_, ended) = server.stop();
    assert_eq!(ended.code, Some(0));
    let about = |word: &str| ended.stderr.lines().filter(|line| line.contains(word)).count();
    assert_eq!((about("DB_HOST"), about("REDIS_HOST")), (1, 1), "explained once: {}", ended.stderr);
    assert!(!ended.stderr.contains("your-password"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("change-this"), "{}", ended.stderr);
    // The placeholder signs nothing.
    let parts: Vec<&str> = token.split('.').collect();
    assert_ne!(hmac(&parts, "your-secret-key-change-this-in-production"), parts[2]);
}

fn hmac(parts: &[&str], key: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use hmac::{KeyInit as _, Mac as _};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("{}.{}", parts[0], parts[1]).as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

#[test]
fn a_port_from_the_env_file_is_printed_as_it_was_given() {
    let setup = Setup::default().without("SERVER_PORT").without("SERVER_ENV");
    // A port that is free now; nobody else on this machine is likely to take it at once.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    fs::write(setup.root().join(".env"), format!("SERVER_PORT={free}\n")).unwrap();
    let server = setup.start();
    assert_eq!(server.address.to_string(), format!("127.0.0.1:{free}"));
}

#[test]
fn a_second_server_on_the_folder_is_told_who_holds_it() {
    let server = Server::start();
    let pid = format!("process {}", server.pid());
    refuses(&server.setup, 75, &["is in use by another Deskbell", &pid]);
    server.admin();
    // The lock goes with its process, however that ends.
    let server = server.kill9().start();
    server.admin();
}

#[test]
fn a_data_folder_that_cannot_be_is_73() {
    let setup = Setup::default();
    let root = setup.root().to_owned();
    fs::write(root.join("file"), "in the way").unwrap();
    let at = |path: &Path| setup.clone().env("DESKBELL_DATA_DIR", path.to_str().unwrap());
    refuses(&at(&root.join("missing/data")), 73, &["missing"]);
    refuses(&at(&root.join("file")), 73, &["is not a folder"]);
    refuses(&at(&root.join("file/data")), 73, &["file"]);
    // Nobody can make anything there, not even the administrator of the machine.
    refuses(&at(Path::new("/proc/deskbell")), 73, &["/proc/deskbell"]);
    refuses(&at(Path::new("/proc/self")), 73, &["/proc/self"]);
    assert!(!root.join("missing").exists());
    assert_eq!(fs::read_to_string(root.join("file")).unwrap(), "in the way");
}

#[test]
fn a_wrong_setting_is_78_and_named_and_nothing_is_made() {
    for (name, value, words) in [
        ("SERVER_PORT", "eighty", &["SERVER_PORT", "eighty"][..]),
        ("SERVER_PORT", "65536", &["SERVER_PORT"]),
        ("SERVER_ENV", "prod", &["SERVER_ENV"]),
        ("WEBHOOK_WORKERS", "0", &["WEBHOOK_WORKERS"]),
        ("WEBHOOK_ALLOW_NET", "everywhere", &["WEBHOOK_ALLOW_NET"]),
        ("WEBHOOK_RETRY_SCHEDULE", "often", &["WEBHOOK_RETRY_SCHEDULE"]),
        ("WEBHOOK_PROXY", "nowhere", &["WEBHOOK_PROXY"]),
        ("PUBLIC_URL", "desk.example.com", &["PUBLIC_URL"]),
        ("JWT_SECRET_FILE", "/nowhere/secret", &["JWT_SECRET_FILE"]),
        ("LOG_LEVEL", "loud", &["LOG_LEVEL"]),
    ] {
        let setup = Setup::default().env(name, value);
        refuses(&setup, 78, words);
        assert!(!setup.data_dir().exists(), "{name}: the folder was made");
    }
}

#[test]
fn weak_secrets_are_refused_in_production_and_never_shown() {
    for secret in [
        "your-secret-key-change-this-in-production",
        "changeme",
        "short-but-random-x7Kq",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        let setup = Setup::default().env("SERVER_ENV", "production").env("JWT_SECRET", secret);
        let ended = refuses(&setup, 78, &["JWT_SECRET"]);
        assert!(!ended.stderr.contains(secret), "{}", ended.stderr);
        assert!(!setup.data_dir().exists());
    }
    let unset = Setup::default().without("SERVER_ENV").env("JWT_SECRET", "changeme");
    refuses(&unset, 78, &["JWT_SECRET"]);
    let good = Setup::default().env("SERVER_ENV", "production");
    good.env("JWT_SECRET", "c6f1b0e2a97d4538b1f0e6d2a4c8973b").start().admin();
}

#[test]
fn a_garbage_env_file_is_78_with_every_bad_line() {
    let setup = Setup::default();
    let file = setup.root().join(".env");
    fs::write(&file, b"SERVER_PORT=0\nthis is no setting\nA-B=1\nX='open\nY=\xff\xfe\n").unwrap();
    refuses(&setup, 78, &[".env:2", ".env:3", ".env:4", ".env:5"]);
    fs::write(&file, [0x7f, b'E', b'L', b'F', 0, 1, 2, 0xff, 0xfe].repeat(100)).unwrap();
    refuses(&setup, 78, &[".env"]);
    fs::remove_file(&file).unwrap();
    refuses(&setup.clone().arg("--env-file").arg("missing.env"), 78, &["missing.env"]);
    refuses(&setup.clone().arg("--env-file").arg("."), 78, &["is a directory"]);
    assert!(!setup.data_dir().exists());
}

#[test]
fn a_database_that_is_newer_foreign_or_none_at_all_is_65_and_stays_as_it_is() {
    let server = Server::start();
    server.admin();
    let (setup, _) = server.stop();
    let path = setup.data_dir().join("deskbell.db");
    let good = fs::read(&path).unwrap();
    let patched = |at: usize, number: u32| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
        bytes
    };
    // Places in the file's header (sqlite.org/fileformat.html): user_version, application_id.
    let newer = patched(60, 9_999);
    let foreign = patched(68, 0x1234_5678);
    let garbage = b"this is not a database, and long enough to be looked at ".repeat(200);
    let torn = {
        let mut bytes = good.clone();
        bytes[100..4_096].fill(0xa5);
        bytes
    };
    for (what, bytes, words) in [
        ("newer", &newer, &["9999", "newer"][..]),
        ("foreign", &foreign, &["not made by Deskbell"]),
        ("garbage", &garbage, &["deskbell.db"]),
        ("torn", &torn, &["deskbell.db"]),
        ("somebody else's", &somebody_elses(), &["not made by Deskbell"]),
    ] {
        fs::write(&path, bytes).unwrap();
        refuses(&setup, 65, words);
        assert!(&fs::read(&path).unwrap() == bytes, "{what}: the file was changed");
    }
    fs::write(&path, &good).unwrap();
    let server = setup.start();
    server.admin();
}

/// A database of another program, in SQLite's ordinary journal mode.
fn somebody_elses() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
                  c.execute('create table notes (text)'); c.commit()";
    let made = std::process::Command::new("python3").args(["-c", script]).arg(&path).status();
    assert!(made.is_ok_and(|status| status.success()), "python3 makes a database");
    fs::read(path).unwrap()
}

#[test]
fn an_old_database_copied_back_is_another_history_and_gives_no_number_twice() {
    let server = Server::start();
    let admin = server.admin();
    let event = json!({ "type": "order.paid", "data": {} });
    admin.post("/api/v1/events", &event).expect(201);
    let (setup, _) = server.stop();
    let path = setup.data_dir().join("deskbell.db");
    let old = fs::read(&path).unwrap();

    let server = setup.start();
    let admin = server.admin();
    let meta = admin.get("/api/v1/events").meta();
    let epoch = meta["epoch"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        admin.post("/api/v1/events", &event).expect(201);
    }
    let (seen, known) = (admin.latest_seq(), meta["latest_seq"].as_i64().unwrap());
    let resume = format!("/api/v1/events?after={seen}&epoch={epoch}");
    admin.get(&resume).expect(200);
    let (setup, _) = server.stop();
    let left = fs::metadata(setup.data_dir().join("deskbell.db-wal")).map_or(0, |meta| meta.len());
    assert_eq!(left, 0, "a stop folds the log in, so that the one file is all there is");
    fs::write(&path, &old).unwrap();

    let server = setup.start();
    let admin = server.admin();
    let meta = admin.get("/api/v1/events").meta();
    assert_ne!(meta["epoch"], epoch);
    for asked in [
        resume,
        format!("/api/v1/events?after={seen}"),
        format!("/api/v1/events?after=0&epoch={epoch}"),
    ] {
        let told = admin.get(&asked);
        told.refused(410, "resync_required");
        assert!(told.text().contains("unknown_epoch"), "{}", told.text());
    }
    admin.get(&format!("/api/v1/events?after={}", known.min(1))).expect(200);
    let next = admin.post("/api/v1/events", &event).expect(201).data()["seq"].as_i64().unwrap();
    assert!(next > seen, "{next} may have been given out before");
    let mut socket =
        crate::harness::Socket::open_at(&admin, &format!("/ws?v=2&since={seen}&epoch={epoch}"));
    let hello = socket.expect_frame("hello");
    assert_eq!(hello["payload"]["epoch"], meta["epoch"]);
    let told = socket.expect_frame("resync_required");
    assert_eq!(told["payload"]["reason"], "unknown_epoch");
    let epoch = meta["epoch"].clone();
    let server = server.restart();
    assert_eq!(server.admin().get("/api/v1/events").meta()["epoch"], epoch, "one more is enough");
}

#[test]
fn a_new_data_folder_and_its_secrets_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::start();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let data = server.setup.data_dir();
    assert_eq!(mode(&data), 0o700);
    let secrets: Vec<_> = fs::read_dir(data.join("secrets")).unwrap().flatten().collect();
    assert!(!secrets.is_empty());
    for file in secrets {
        assert_eq!(mode(&file.path()), 0o600, "{}", file.path().display());
    }
}

#[test]
fn a_stop_is_orderly_and_sockets_are_told() {
    // Again and again, because a socket may be opened just as the order to stop comes.
    for _ in 0..8 {
        let server = Server::start();
        let mut socket = crate::harness::Socket::open(&server.admin());
        server.terminate();
        let (code, reason) = socket.expect_close();
        assert_eq!(code, 1012, "{reason}");
        let told: serde_json::Value = serde_json::from_str(&reason).unwrap();
        assert_eq!(told["reconnect"], true);
        drop(socket);
        let (_, ended) = server.ended();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains(PASSWORD), "{}", ended.stderr);
        assert!(!ended.stderr.contains("not everything finished"), "{}", ended.stderr);
    }
}

#[test]
fn a_request_under_way_is_answered_before_the_end() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::answering(|_| Play::Late(1_000));
    let hook = json!({ "name": "a", "url": receiver.url("/"), "events": ["*"] });
    admin.post("/api/v1/webhooks", &hook).expect(201);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| admin.post("/api/v1/webhooks/1/test", &json!({})));
        receiver.wait_for(1);
        server.terminate();
        let told = asked.join().unwrap().expect(200).data();
        assert_eq!((&told["success"], &told["http_status"]), (&json!(true), &json!(200)));
    });
    let (setup, ended) = server.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let server = setup.start();
    let logs = server.admin().get("/api/v1/webhooks/1/logs").expect(200).data();
    assert_eq!(
        (&logs[0]["event"], &logs[0]["state"]),
        (&json!("webhook.test"), &json!("delivered"))
    );
}
