//! A running server, asked over HTTP by the commands that need one.
//!
//! It calls the one server that the person at the terminal names, with their token, so it has a
//! client of its own: the address guard of webhooks is for what other people name.

use super::shown::{At as _, plain};
use crate::exit::{Exit, Failure};
use serde_json::Value;
use std::{fmt, path::PathBuf, time::Duration};
use ureq::{
    Agent,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

/// Bytes of an answer that are read.
const ANSWER_MAX: u64 = 32 << 20;

/// How long one request may take: a test of a webhook may use its whole time-out of 30 s.
const WITHIN: Duration = Duration::from_secs(45);

/// Where the server is, and as whom to speak to it.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerArgs {
    /// The running server
    #[arg(
        long,
        value_name = "URL",
        env = "DESKBELL_SERVER",
        default_value = "http://127.0.0.1:8000"
    )]
    server: String,
    /// An access token or a program's token (dbk_…); rather say it in the environment, where
    /// other users of this machine do not see it
    #[arg(long, env = "DESKBELL_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Certificates (PEM) of the authority that the server's certificate is from
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// A client of one server.
pub(super) struct Remote {
    agent: Agent,
    base: String,
    token: String,
}

/// What a request came to, where it is not success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status; none when nobody answered.
    pub(super) status: Option<u16>,
    /// The error's stable word.
    pub(super) code: String,
    message: String,
    /// Seconds after which to come back, where the server said so.
    pub(super) retry_after_s: Option<u64>,
}

impl Refusal {
    /// What was answered is not what this program knows.
    pub(super) fn unreadable(why: &str) -> Self {
        let message = format!("the answer cannot be read: {why}");
        Self { status: Some(200), code: String::new(), message, retry_after_s: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let hint = match refusal.status {
            Some(401) => ", or make another token",
            _ => "",
        };
        Self::new(Exit::Failed, format!("{}{hint}", refusal.message))
    }
}

/// A good answer.
#[derive(Debug)]
pub(super) struct Reply {
    /// What was asked for.
    pub(super) data: Value,
    /// What stands beside it.
    pub(super) meta: Value,
}

impl ServerArgs {
    /// A client of that server.
    ///
    /// # Errors
    /// Without a token, and for an address or a file that is none.
    pub(super) fn connect(&self) -> Result<Remote, Failure> {
        let base = self.server.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            let why = "--server must be like http://127.0.0.1:8000 or https://desk.example.com";
            return Err(Failure::new(Exit::Usage, why));
        }
        let token = self.token.as_deref().map(str::trim).filter(|token| !token.is_empty());
        let Some(token) = token else { return Err(Failure::new(Exit::Usage, no_token(&base))) };
        let roots = match &self.ca_file {
            None => RootCerts::WebPki,
            Some(path) => authorities(path)?,
        };
        let config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(WITHIN))
            .user_agent(concat!("deskbell-cli/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        Ok(Remote { agent: Agent::new_with_config(config), base, token: token.to_owned() })
    }
}

fn no_token(base: &str) -> String {
    let wish = r#"{"name":"terminal","scopes":["webhooks:read","webhooks:write","events:read"]}"#;
    format!(
        "no token: say --token or set DESKBELL_TOKEN. A token that lasts is made with\n  \
         curl -s {base}/api/v1/tokens -H \"Authorization: Bearer $ACCESS_TOKEN\" --json '{wish}'\n\
         and an access token by POST {base}/api/v1/auth/login"
    )
}

fn authorities(path: &std::path::Path) -> Result<RootCerts, Failure> {
    let bad = |why: String| Failure::new(Exit::Io, format!("{}: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|why| bad(why.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|why| bad(why.to_string()))? {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        return Err(bad(String::from("it holds no certificate")));
    }
    Ok(found.into())
}

impl Remote {
    pub(super) fn get(&self, path: &str) -> Result<Reply, Refusal> {
        self.ask("GET", path, None)
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Reply, Refusal> {
        self.ask("POST", path, Some(body))
    }

    pub(super) fn patch(&self, path: &str, body: &Value) -> Result<Reply, Refusal> {
        self.ask("PATCH", path, Some(body))
    }

    /// One request to a path of the API.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, Refusal> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.base))
            .header("authorization", format!("Bearer {}", self.token))
            .header("accept", "application/json");
        let unusable = |e: http::Error| self.nobody(&e.to_string());
        let answered = match body {
            None => self.agent.run(request.body(()).map_err(unusable)?),
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_string()).map_err(unusable)?)
            }
        };
        let answered = answered.map_err(|e| self.nobody(&e.to_string()))?;
        let status = answered.status().as_u16();
        let after =
            answered.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse().ok());
        let read = answered.into_body().into_with_config().limit(ANSWER_MAX).read_to_vec();
        let bytes = read.map_err(|e| self.nobody(&e.to_string()))?;
        let mut json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if (200..300).contains(&status) && json.at("success") == &Value::Bool(true) {
            let mut part = |name| json.get_mut(name).map(Value::take).unwrap_or_default();
            return Ok(Reply { data: part("data"), meta: part("meta") });
        }
        Err(refusal(status, &json, after))
    }

    fn nobody(&self, why: &str) -> Refusal {
        let message = format!("{} does not answer: {why}", self.base);
        Refusal { status: None, code: String::new(), message, retry_after_s: None }
    }
}

/// What the server said, its fields named.
fn refusal(status: u16, json: &Value, retry_after_s: Option<u64>) -> Refusal {
    let error = json.at("error");
    let said = error.at("message").as_str().unwrap_or("no reason that can be read");
    let fields = error.at("fields").as_object().into_iter().flatten();
    let fields: String = fields
        .map(|(name, why)| format!("; {name} {}", why.as_str().unwrap_or_default()))
        .collect();
    let message = format!("the server answered {status}: {said}{fields}");
    let code = error.at("code").as_str().unwrap_or_default().to_owned();
    Refusal { status: Some(status), code, message: plain(&message), retry_after_s }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_names_the_fields_and_cannot_play_with_the_terminal() {
        let error = json!({ "error": { "code": "invalid", "message": "not \u{1b}[31maccepted",
            "fields": { "url": "must be http or https" } } });
        let found = refusal(422, &error, None);
        let expected = "the server answered 422: not  [31maccepted; url must be http or https";
        assert_eq!((found.to_string(), found.code), (expected.into(), "invalid".into()));
        let html = refusal(502, &Value::Null, Some(3));
        assert_eq!(html.to_string(), "the server answered 502: no reason that can be read");
        assert_eq!(html.retry_after_s, Some(3));
    }

    #[test]
    fn without_a_token_it_says_how_to_make_one() {
        let args =
            ServerArgs { server: "http://x:1/".into(), token: Some(" ".into()), ca_file: None };
        let failure = args.connect().err().unwrap();
        assert_eq!(failure.code, Exit::Usage);
        assert!(failure.message.contains("http://x:1/api/v1/tokens"), "{failure}");
        let args = ServerArgs { server: "x:1".into(), token: Some("t".into()), ca_file: None };
        assert_eq!(args.connect().err().unwrap().code, Exit::Usage);
    }
}
