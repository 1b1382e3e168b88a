//! Sets up the log: lines for people or JSON objects for collectors, on standard error.
//!
//! Standard output stays free for what a command answers.

use crate::{
    config::{LogFormat, LogLevel},
    time::{Clock, rfc3339},
};
use serde_json::{Map, Value};
use std::{
    fmt,
    io::{self, IsTerminal},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::{
        FmtContext, FormatEvent, FormattedFields, MakeWriter,
        format::{JsonFields, Writer},
        time::FormatTime,
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

/// Libraries whose everyday remarks are of no use to somebody who runs a help desk. A target is
/// matched by its beginning: `hyper` is `hyper_util` too.
const QUIET: [&str; 8] =
    ["hyper", "mio", "r2d2", "rustls", "tokio_tungstenite", "tower", "tungstenite", "ureq"];

/// Starts the log of this process. A second call changes nothing.
pub fn start(format: LogFormat, level: LogLevel) {
    match format {
        LogFormat::Json => json(level, io::stderr).try_init(),
        LogFormat::Text => {
            let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            text(level, colours, io::stderr).try_init()
        }
    }
    .ok();
}

fn text<W>(level: LogLevel, colours: bool, to: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .with_timer(Now::default())
        .with_ansi(colours)
        .with_writer(to);
    tracing_subscriber::registry().with(levels(level)).with(lines)
}

fn json<W>(level: LogLevel, to: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(JsonLine::default())
        .with_ansi(false)
        .with_writer(to);
    tracing_subscriber::registry().with(levels(level)).with(lines)
}

fn levels(level: LogLevel) -> Targets {
    let wanted = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let quiet = wanted.min(LevelFilter::WARN);
    Targets::new().with_default(wanted).with_targets(QUIET.map(|target| (target, quiet)))
}

/// The time at the beginning of a line, as REST writes times.
#[derive(Default)]
struct Now(Clock);

impl FormatTime for Now {
    fn format_time(&self, to: &mut Writer<'_>) -> fmt::Result {
        to.write_str(&rfc3339(self.0.now_ms()))
    }
}

/// One event as one JSON object: `timestamp`, `level`, `target`, `message`, then the fields of the
/// event and of the spans around it (`request_id`), all at the top level. The innermost wins.
#[derive(Default)]
struct JsonLine(Clock);

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> tracing_subscriber::fmt::FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(text) = span.extensions().get::<FormattedFields<N>>()
                && let Ok(Value::Object(map)) = serde_json::from_str(&text.fields)
            {
                fields.0.extend(map);
            }
        }
        event.record(&mut fields);
        to.write_str(&fields.line(event.metadata(), &rfc3339(self.0.now_ms())))?;
        to.write_char('\n')
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    /// The whole object on one line, its four fixed members first.
    fn line(mut self, meta: &tracing::Metadata<'_>, now: &str) -> String {
        let message = self.0.remove("message").unwrap_or_default();
        // A library that speaks through the `log` crate puts its place into fields.
        let target = self.0.remove("log.target").unwrap_or_else(|| meta.target().into());
        let mut line = format!(
            r#"{{"timestamp":"{now}","level":"{}","target":{target},"message":{message}"#,
            meta.level()
        );
        for (name, value) in &self.0 {
            // A collector that reads one of these twice would believe the second.
            let taken = matches!(name.as_str(), "timestamp" | "level" | "target");
            if !taken && !name.starts_with("log.") {
                line.push_str(&format!(",{}:{value}", Value::from(name.as_str())));
            }
        }
        line.push('}');
        line
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::{io::Write, sync::Arc};
    use tracing::{info, info_span, subscriber::with_default, warn};

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Buffer {
        fn lines(&self) -> Vec<String> {
            let bytes = self.0.lock().clone();
            String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
        }

        fn writer(&self) -> impl Fn() -> Self + Send + Sync + 'static {
            let buffer = self.clone();
            move || buffer.clone()
        }
    }

    #[test]
    fn a_json_line_is_one_flat_object_with_the_request_id_of_its_span() {
        let buffer = Buffer::default();
        with_default(json(LogLevel::Info, buffer.writer()), || {
            let outer = info_span!("request", request_id = "r-1", n = 1).entered();
            let inner = info_span!("inner", n = 2, later = tracing::field::Empty).entered();
            inner.record("later", true);
            warn!(code = 507, ok = false, level = "fake", "line one\nand \"two\"");
            drop((inner, outer));
            info!("alone");
        });
        let lines = buffer.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        let first: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(first["level"], "WARN");
        assert_eq!(first["message"], "line one\nand \"two\"");
        assert_eq!(first["target"], module_path!());
        assert_eq!((&first["request_id"], &first["n"]), (&"r-1".into(), &2.into()));
        assert_eq!((&first["code"], &first["ok"]), (&507.into(), &false.into()));
        assert_eq!(first["later"], true);
        let time = first["timestamp"].as_str().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
        assert!(lines[0].starts_with(r#"{"timestamp":""#), "{}", lines[0]);
        let second: Map<String, Value> = serde_json::from_str(&lines[1]).unwrap();
        assert_eq!(second.len(), 4, "{second:?}");
    }

    #[test]
    fn a_text_line_carries_time_level_and_fields_and_no_colours_into_a_file() {
        let buffer = Buffer::default();
        with_default(text(LogLevel::Info, false, buffer.writer()), || {
            info!(port = 8000, "listening");
        });
        let lines = buffer.lines();
        assert!(lines[0].contains("Z  INFO ") && lines[0].ends_with("listening port=8000"));
        assert!(!lines[0].contains('\u{1b}'), "{lines:?}");
    }

    #[test]
    fn the_level_decides_and_libraries_are_kept_quiet() {
        for (level, heard) in
            [(LogLevel::Error, 0), (LogLevel::Warn, 2), (LogLevel::Info, 3), (LogLevel::Debug, 4)]
        {
            let buffer = Buffer::default();
            with_default(json(level, buffer.writer()), || {
                warn!("own");
                info!("own");
                tracing::debug!("own");
                warn!(target: "hyper_util::client", "library");
                info!(target: "rustls::conn", "library");
                tracing::debug!(target: "ureq::pool", "library");
            });
            assert_eq!(buffer.lines().len(), heard, "{level}");
        }
    }
}
