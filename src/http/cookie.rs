//! The session cookie of our own pages: the access token, out of reach of scripts.

use axum::http::{HeaderMap, HeaderValue, header};

/// Its name.
const NAME: &str = "deskbell";

/// The token in the request's cookie.
pub fn read(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
}

/// The header that sets it for `max_age_s` seconds; 0 takes it away.
pub fn set(token: &str, max_age_s: i64, https: bool) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let text =
        format!("{NAME}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}");
    HeaderValue::try_from(text).ok()
}
