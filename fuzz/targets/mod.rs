//! What must hold whatever comes in: for every reader of what strangers send, the promises that no
//! bytes may break, and the texts that a fuzzer begins with.
//!
//! `tests/fuzz.rs` plays all of them for a moment on every change, `cargo fuzz` one for hours.

mod hooks;
mod pages;
mod sockets;

use std::borrow::Cow;

/// A reader and its promises.
pub struct Target {
    /// Its name: that of a binary in `fuzz/Cargo.toml`.
    pub name: &'static str,
    /// Reads the bytes, and fails when a promise is broken.
    pub run: fn(&[u8]),
    /// Bytes it knows well.
    pub seeds: &'static [&'static str],
}

const fn of(name: &'static str, run: fn(&[u8]), seeds: &'static [&'static str]) -> Target {
    Target { name, run, seeds }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    of("engine_packet", sockets::engine_packet, sockets::ENGINE_PACKETS),
    of("engine_payload", sockets::engine_payload, sockets::ENGINE_PAYLOADS),
    of("socket_packet", sockets::socket_packet, sockets::SOCKET_PACKETS),
    of("ask", sockets::ask, sockets::ASKS),
    of("room", sockets::room, sockets::ROOMS),
    of("event_id", sockets::event_id, sockets::EVENT_IDS),
    of("range", pages::range, pages::RANGES),
    of("file_name", pages::file_name, pages::FILE_NAMES),
    of("content_type", pages::content_type, pages::CONTENT_TYPES),
    of("proxies", pages::proxies, pages::PROXIES),
    of("host", pages::host, pages::HOSTS),
    of("filters", pages::filters, pages::FILTERS),
    of("search_words", pages::search_words, pages::SEARCHES),
    of("csv", pages::csv, pages::CELLS),
    of("date", pages::date, pages::DATES),
    of("token", pages::token, pages::TOKENS),
    of("person", pages::person, pages::PERSONS),
    of("webhook_url", hooks::url, hooks::URLS),
    of("allow_net", hooks::allow_net, hooks::NETS),
    of("retry_after", hooks::retry_after, hooks::RETRY_AFTERS),
    of("schedule", hooks::schedule, hooks::SCHEDULES),
    of("headers", hooks::headers, hooks::HEADERS),
    of("signature", hooks::signature, hooks::SIGNATURES),
    of("pattern", hooks::pattern, hooks::PATTERNS),
    of("schema", hooks::schema, hooks::SCHEMAS),
    of("publish", hooks::publish, hooks::PUBLICATIONS),
];

/// The bytes as text, with a sign for what is none.
fn text(data: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// The text in two, at the first line's end; the second part may be empty.
fn two(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}
