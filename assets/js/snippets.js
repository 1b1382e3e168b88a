// Code that checks a delivery, ready to paste, in six languages. Nothing but text: tests run it too.

/** Where the kind of event and its data stand in a body. */
const NAMES = { event: ["event", "data"], message: ["type", "payload"] };

const python = (kind, data) => `import base64, hashlib, hmac, json, time

def read_delivery(secret: str, headers, body: bytes) -> dict:
    """The event, if Deskbell sent it: \`headers\` by lower-case name, \`body\` as it came."""
    sent_at = headers.get("webhook-timestamp", "")
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > 300:
        raise ValueError("too old")
    key = base64.b64decode(secret[6:] + "==") if secret.startswith("whsec_") else secret.encode()
    signed = f'{headers["webhook-id"]}.{sent_at}.'.encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(expected, one) for one in given):
        raise ValueError("not from Deskbell")
    return json.loads(body)

# event = read_delivery(SECRET, headers, body)
# event["${kind}"], event["${data}"], event["seq"]; headers["webhook-id"] comes again on a retry
`;

const node = (kind, data) => `import { createHmac, timingSafeEqual } from "node:crypto";

/** The event, if Deskbell sent it: \`headers\` by lower-case name, \`body\` a Buffer as it came. */
export function readDelivery(secret, headers, body) {
  const sentAt = headers["webhook-timestamp"] ?? "";
  if (!(Math.abs(Date.now() / 1000 - Number(sentAt)) <= 300)) throw new Error("too old");
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret);
  const signed = Buffer.concat([Buffer.from(\`\${headers["webhook-id"]}.\${sentAt}.\`), body]);
  const expected = Buffer.from("v1," + createHmac("sha256", key).update(signed).digest("base64"));
  const given = (headers["webhook-signature"] ?? "").split(" ").map((one) => Buffer.from(one));
  if (!given.some((one) => one.length === expected.length && timingSafeEqual(one, expected))) {
    throw new Error("not from Deskbell");
  }
  return JSON.parse(body);
}

// const event = readDelivery(SECRET, request.headers, body);
// event.${kind}, event.${data}, event.seq; headers["webhook-id"] comes again on a retry
`;

const go = (kind, data) => `package deskbell

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type Event struct {
	Kind string          \`json:"${kind}"\`
	Data json.RawMessage \`json:"${data}"\`
	ID   string          \`json:"id"\` // comes again on a retry
	Seq  int64           \`json:"seq"\`
}

// ReadDelivery returns the event if Deskbell sent it; body is as it came.
func ReadDelivery(secret string, headers http.Header, body []byte) (event Event, err error) {
	sentAt, err := strconv.ParseInt(headers.Get("webhook-timestamp"), 10, 64)
	if age := time.Now().Unix() - sentAt; err != nil || age > 300 || age < -300 {
		return event, errors.New("too old")
	}
	key := []byte(secret)
	if text, is := strings.CutPrefix(secret, "whsec_"); is {
		if key, err = base64.StdEncoding.DecodeString(text); err != nil {
			return event, err
		}
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(headers.Get("webhook-id") + "." + headers.Get("webhook-timestamp") + "."))
	mac.Write(body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, given := range strings.Split(headers.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(given), []byte(expected)) {
			return event, json.Unmarshal(body, &event)
		}
	}
	return event, errors.New("not from Deskbell")
}
`;

const rust = (kind, data) => `// [dependencies] base64 = "0.22", hmac = "0.12", sha2 = "0.10", serde_json = "1"
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use std::time::{SystemTime, UNIX_EPOCH};

/// The event, if Deskbell sent it: \`header\` finds one by lower-case name, \`body\` is as it came.
pub fn read_delivery(
    secret: &str,
    header: impl Fn(&str) -> String,
    body: &[u8],
) -> Option<serde_json::Value> {
    let (id, sent_at) = (header("webhook-id"), header("webhook-timestamp"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    if now.abs_diff(sent_at.parse().ok()?) > 300 {
        return None;
    }
    let key = match secret.strip_prefix("whsec_") {
        Some(text) => STANDARD.decode(text).ok()?,
        None => secret.as_bytes().to_vec(),
    };
    let genuine = header("webhook-signature").split(' ').any(|one| {
        let given = one.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).expect("any length will do");
        mac.update(format!("{id}.{sent_at}.").as_bytes());
        mac.update(body);
        given.is_some_and(|given| mac.verify_slice(&given).is_ok())
    });
    genuine.then(|| serde_json::from_slice(body).ok())?
}

// event["${kind}"], event["${data}"], event["seq"]; webhook-id comes again on a retry
`;

const php = (kind, data) => `<?php

/** The event, if Deskbell sent it; $headers by lower-case name, $body as it came. */
function read_delivery(string $secret, array $headers, string $body): array
{
    $sentAt = $headers['webhook-timestamp'] ?? '';
    if (!ctype_digit($sentAt) || abs(time() - (int) $sentAt) > 300) {
        throw new RuntimeException('too old');
    }
    $key = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, 6)) : $secret;
    $signed = $headers['webhook-id'] . '.' . $sentAt . '.' . $body;
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $given) {
        if (hash_equals($expected, $given)) {
            return json_decode($body, true, 512, JSON_THROW_ON_ERROR);
        }
    }
    throw new RuntimeException('not from Deskbell');
}

// $event = read_delivery(SECRET, array_change_key_case(getallheaders()), file_get_contents('php://input'));
// $event['${kind}'], $event['${data}'], $event['seq']; webhook-id comes again on a retry
`;

const ruby = (kind, data) => `require "base64"
require "json"
require "openssl"

# The event, if Deskbell sent it: headers by lower-case name, body as it came.
def read_delivery(secret, headers, body)
  sent_at = headers["webhook-timestamp"].to_s
  raise "too old" unless sent_at.match?(/\\A\\d+\\z/) && (Time.now.to_i - sent_at.to_i).abs <= 300

  key = secret.start_with?("whsec_") ? Base64.decode64(secret.delete_prefix("whsec_")) : secret
  signed = "#{headers["webhook-id"]}.#{sent_at}.".b + body.b
  expected = "v1," + Base64.strict_encode64(OpenSSL::HMAC.digest("SHA256", key, signed))
  given = headers["webhook-signature"].to_s.split(" ")
  raise "not from Deskbell" unless given.any? { |one| OpenSSL.secure_compare(one, expected) }

  JSON.parse(body)
end

# event = read_delivery(SECRET, headers, body)
# event["${kind}"], event["${data}"], event["seq"]; webhook-id comes again on a retry
`;

/** `[{name, code}]` for a webhook with this `payload_format`. */
export function snippets(format) {
  const [kind, data] = NAMES[format] ?? NAMES.event;
  return Object.entries({ Python: python, Node: node, Go: go, Rust: rust, PHP: php, Ruby: ruby })
    .map(([name, write]) => ({ name, code: write(kind, data) }));
}
