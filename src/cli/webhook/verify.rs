//! `deskbell webhook verify`: are the signatures of a captured request good?

use crate::{
    cli::{
        say,
        shown::{At as _, plain, say_json},
    },
    exit::{Exit, Failure},
    time::Clock,
    webhooks::sign::{self, BadSignature, Received, SigningKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// Largest captured request, bytes.
const FILE_MAX: u64 = 16 << 20;

/// What to check, and with what.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The request as it came: header lines (a request line may stand first), an empty line, the
    /// body; or JSON with `headers` and `body`, as a bin's requests are listed. `-` is standard
    /// input
    file: PathBuf,
    /// The webhook's secret
    #[arg(long, env = "DESKBELL_WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// A captured request.
#[derive(Debug, PartialEq, Eq)]
struct Captured {
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What is to be thought of it.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    /// `X-Webhook-Signature`; none when it is not there.
    plain: Option<bool>,
    /// `webhook-signature` with its id and time; none when it is not there.
    standard: Option<bool>,
    /// How long ago it says it was sent, seconds.
    age_s: Option<i64>,
    /// Whether it is only right without the line end at the end of the file.
    trimmed: bool,
}

impl Verdict {
    fn is_good(&self) -> bool {
        let none = self.plain.is_none() && self.standard.is_none();
        !none && self.plain != Some(false) && self.standard != Some(false)
    }
}

/// Checks it.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let failed = |why: String| Failure::new(Exit::Failed, why);
    let captured = read(&args.file)?;
    let key = SigningKey::new(&args.secret).map_err(|why| failed(format!("the secret {why}")))?;
    let verdict = judge(&captured, &key, Clock::default().now_ms() / 1000);
    if args.json {
        say_json(&as_json(&verdict))?;
    } else {
        say(&as_text(&verdict))?;
    }
    if verdict.is_good() {
        return Ok(());
    }
    Err(failed(String::from("the request is not proven to be from who knows this secret")))
}

fn read(path: &Path) -> Result<Captured, Failure> {
    let bad = |why: String| Failure::new(Exit::Io, format!("{}: {why}", path.display()));
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(FILE_MAX).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes))
    };
    read.map_err(|e| bad(e.to_string()))?;
    let first = bytes.trim_ascii_start().first();
    let captured = if first == Some(&b'{') { from_json(&bytes) } else { from_text(&bytes) };
    captured.map_err(|why| Failure::new(Exit::Failed, format!("{}: {why}", path.display())))
}

/// `{"headers":{…},"body":"…"}`, or `body_base64`.
fn from_json(bytes: &[u8]) -> Result<Captured, String> {
    let json: Value = serde_json::from_slice(bytes).map_err(|e| format!("it is not JSON: {e}"))?;
    let Some(headers) = json.at("headers").as_object() else {
        return Err(String::from("the JSON has no object `headers`"));
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
    let headers = headers.iter().map(|(k, v)| (k.to_ascii_lowercase(), text(v))).collect();
    let body = match (json.at("body").as_str(), json.at("body_base64").as_str()) {
        (Some(body), _) => body.as_bytes().to_vec(),
        (None, Some(encoded)) => STANDARD.decode(encoded).map_err(|e| e.to_string())?,
        (None, None) => return Err(String::from("the JSON has no text `body`")),
    };
    Ok(Captured { headers, body })
}

/// Header lines, an empty line, the body; lines may end either way.
fn from_text(bytes: &[u8]) -> Result<Captured, String> {
    let end = |mark: &[u8]| {
        let at = bytes.windows(mark.len()).position(|window| window == mark)?;
        Some((at, at + mark.len()))
    };
    // Whichever empty line comes first ends the headers.
    let found = [end(b"\r\n\r\n"), end(b"\n\n")].into_iter().flatten().min();
    let (head, body) = found.ok_or("there is no empty line between headers and body")?;
    let head = bytes.get(..head).unwrap_or_default();
    let head = std::str::from_utf8(head).map_err(|_| "the headers are no text")?;
    let mut headers = Vec::new();
    for (at, line) in head.lines().enumerate() {
        match line.split_once(':') {
            Some((name, value)) if !name.trim().contains(' ') => {
                headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
            // `POST /hook HTTP/1.1`
            _ if at == 0 => {}
            _ => return Err(format!("line {} is no header: {}", at + 1, plain(line))),
        }
    }
    Ok(Captured { headers, body: bytes.get(body..).unwrap_or_default().to_vec() })
}

fn judge(captured: &Captured, key: &SigningKey, now_s: i64) -> Verdict {
    let as_it_is = judge_body(captured, &captured.body, key, now_s);
    let without = captured.body.strip_suffix(b"\n");
    let without = without.map(|body| body.strip_suffix(b"\r").unwrap_or(body));
    match without {
        Some(body) if !as_it_is.is_good() => {
            let trimmed = judge_body(captured, body, key, now_s);
            if trimmed.is_good() { Verdict { trimmed: true, ..trimmed } } else { as_it_is }
        }
        _ => as_it_is,
    }
}

fn judge_body(captured: &Captured, body: &[u8], key: &SigningKey, now_s: i64) -> Verdict {
    let header = |name: &str| {
        captured.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    };
    let keys = std::slice::from_ref(key);
    let plain = header("x-webhook-signature").map(|sent| sign::verify_plain(keys, sent, body));
    let timestamp = header("webhook-timestamp");
    let standard = header("webhook-signature").map(|signature| {
        let (Some(id), Some(timestamp)) = (header("webhook-id"), timestamp) else { return false };
        let received = Received { id, timestamp, signature };
        // How old it is, is said apart: a captured request mostly is.
        sign::verify_standard(keys, received, body, now_s, i64::MAX) == Ok(())
    });
    let age_s = timestamp.and_then(|at| at.parse::<i64>().ok()).map(|at| now_s.saturating_sub(at));
    Verdict { plain, standard, age_s, trimmed: false }
}

fn as_json(verdict: &Verdict) -> Value {
    json!({
        "valid": verdict.is_good(),
        "plain": verdict.plain,
        "standard": verdict.standard,
        "age_s": verdict.age_s,
        "fresh": verdict.age_s.map(is_fresh),
        "without_last_line_end": verdict.trimmed,
    })
}

fn is_fresh(age_s: i64) -> bool {
    age_s.saturating_abs() <= sign::TOLERANCE_S
}

fn as_text(verdict: &Verdict) -> String {
    let word = |checked: Option<bool>| match checked {
        Some(true) => "good",
        Some(false) => "does not match",
        None => "is not there",
    };
    let mut text = format!(
        "X-Webhook-Signature  {}\nwebhook-signature    {}\n",
        word(verdict.plain),
        word(verdict.standard)
    );
    if let Some(age) = verdict.age_s {
        let why = if age < 0 { BadSignature::TooNew } else { BadSignature::TooOld };
        let note = match is_fresh(age) {
            true => String::from("fresh"),
            false if age < 0 => format!("{} s from now: {why}", age.saturating_neg()),
            false => format!("{age} s ago, and receivers take 300: {why}"),
        };
        text.push_str(&format!("webhook-timestamp    {note}\n"));
    }
    if verdict.trimmed {
        text.push_str("The line end at the end of the file was not part of the body.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_729_866_000;
    const BODY: &str = "{\"event\":\"order.paid\"}";

    fn key() -> SigningKey {
        SigningKey::new("test-secret-123").unwrap()
    }

    fn captured(body: &str, end: &str) -> String {
        let plain = sign::plain(&key(), BODY.as_bytes());
        let standard = sign::standard(&[key()], "id-1", AT, BODY.as_bytes());
        format!(
            "POST /hook?a=b HTTP/1.1{end}Host: x:9000{end}X-Webhook-Signature: {plain}{end}\
             Webhook-Id: id-1{end}webhook-timestamp: {AT}{end}webhook-signature: {standard}{end}\
             {end}{body}"
        )
    }

    #[test]
    fn a_captured_request_is_read_with_either_line_end_and_as_a_bin_lists_it() {
        for end in ["\r\n", "\n"] {
            let read = from_text(captured(BODY, end).as_bytes()).unwrap();
            assert_eq!(read.body, BODY.as_bytes());
            let good = judge(&read, &key(), AT + 10);
            assert_eq!((good.plain, good.standard, good.trimmed), (Some(true), Some(true), false));
            let edited = from_text(captured(&format!("{BODY}{end}"), end).as_bytes()).unwrap();
            let edited = judge(&edited, &key(), AT + 10);
            assert!(edited.is_good() && edited.trimmed);
        }
        let plain = sign::plain(&key(), BODY.as_bytes());
        let listed = json!({ "headers": { "X-Webhook-Signature": plain }, "body": BODY });
        let read = from_json(listed.to_string().as_bytes()).unwrap();
        assert!(judge(&read, &key(), AT).is_good());
        let listed = json!({ "headers": {}, "body": null, "body_base64": "/wA=" });
        assert_eq!(from_json(listed.to_string().as_bytes()).unwrap().body, [0xff, 0]);
    }

    #[test]
    fn what_is_altered_unsigned_or_no_request_is_not_good() {
        let altered = from_text(captured("{}", "\n").as_bytes()).unwrap();
        let altered = judge(&altered, &key(), AT);
        assert_eq!((altered.plain, altered.standard), (Some(false), Some(false)));
        let other = SigningKey::new("another").unwrap();
        let read = from_text(captured(BODY, "\n").as_bytes()).unwrap();
        assert!(!judge(&read, &other, AT).is_good());
        let old = judge(&read, &key(), AT + 301);
        assert!(old.is_good() && as_text(&old).contains("301 s ago"));
        let unsigned = from_text(b"a: b\n\nbody").unwrap();
        assert!(!judge(&unsigned, &key(), AT).is_good());
        for bad in ["no headers at all", "a: b\nnot a header\n\nx"] {
            assert!(from_text(bad.as_bytes()).is_err(), "{bad}");
        }
        for bad in ["{", "{}", r#"{"headers":{}}"#] {
            assert!(from_json(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
