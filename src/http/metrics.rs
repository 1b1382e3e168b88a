//! What is counted, in the Prometheus text format. No label names a tenant or a user.

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{fmt, sync::atomic::AtomicU64};

/// A status class by its first digit: `2xx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class(pub u16);

impl EncodeLabelValue for Class {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        use fmt::Write as _;
        write!(encoder, "{}xx", self.0)
    }
}

/// The labels of a counted request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Answered {
    /// The class of its status.
    pub status: Class,
}

/// The labels of attempts to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Attempt {
    /// What they came to: `2xx`, `timeout`, …
    pub class: &'static str,
}

/// The labels of webhooks' breakers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Breaker {
    /// `open` or `half_open`.
    pub state: &'static str,
}

/// All that is counted by the doors; the rest is read when somebody asks.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests answered.
    pub requests: Family<Answered, Counter>,
    /// Seconds from the request's head to the answer's head.
    pub request_seconds: Histogram,
    /// Gauges set when somebody asks.
    pub read: Read,
}

/// Gauges read from elsewhere when somebody asks.
#[derive(Debug, Default, Clone)]
pub struct Read {
    /// Connected clients.
    pub clients: Gauge,
    /// Clients that the ringer knows.
    pub rung_clients: Gauge,
    /// Rooms that clients joined by themselves.
    pub rooms: Gauge,
    /// Socket.IO sessions.
    pub socketio_sessions: Gauge,
    /// Tasks of the runtime.
    pub tasks: Gauge,
    /// The newest `seq`.
    pub latest_seq: Gauge,
    /// Events carried to the hub.
    pub events: Gauge,
    /// Mailboxes they were put into.
    pub deliveries: Gauge,
    /// Deliveries waiting, of all webhooks.
    pub webhooks_waiting: Gauge,
    /// Attempts in flight.
    pub webhooks_in_flight: Gauge,
    /// Attempts that were answered 2xx.
    pub webhooks_ok: Gauge,
    /// Attempts that were not.
    pub webhooks_failed: Gauge,
    /// Attempts by what they came to.
    pub webhooks_attempts: Family<Attempt, Gauge>,
    /// Webhooks whose breaker is not closed.
    pub webhooks_breakers: Family<Breaker, Gauge>,
    /// Threads that deliver.
    pub webhooks_workers: Gauge,
    /// Seconds since the oldest due delivery was due.
    pub webhooks_oldest_due_s: Gauge<f64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("deskbell");
        let requests = Family::<Answered, Counter>::default();
        let buckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0];
        let request_seconds = Histogram::new(buckets);
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register(
            "http_request_seconds",
            "Time from a request to its answer",
            request_seconds.clone(),
        );
        let read = Read::default();
        let gauges = [
            ("clients", "Connected clients", &read.clients),
            ("clients_rung", "Clients that committed events are carried to", &read.rung_clients),
            ("rooms", "Rooms that clients have joined by themselves", &read.rooms),
            ("socketio_sessions", "Sessions of Socket.IO", &read.socketio_sessions),
            ("tasks", "Tasks of the runtime", &read.tasks),
            ("events_latest_seq", "The newest seq", &read.latest_seq),
            ("events_carried", "Events carried to the hub", &read.events),
            ("events_handed_out", "Sessions that events were handed to", &read.deliveries),
            ("webhook_queue_depth", "Deliveries waiting", &read.webhooks_waiting),
            ("webhook_in_flight", "Attempts in flight", &read.webhooks_in_flight),
            ("webhook_attempts_ok", "Attempts answered 2xx", &read.webhooks_ok),
            ("webhook_attempts_failed", "Attempts not answered 2xx", &read.webhooks_failed),
            ("webhook_workers", "Threads that deliver", &read.webhooks_workers),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register(
            "webhook_attempts",
            "Attempts by what they came to",
            read.webhooks_attempts.clone(),
        );
        registry.register(
            "webhook_breakers",
            "Webhooks whose breaker is open, or lets one attempt decide",
            read.webhooks_breakers.clone(),
        );
        registry.register(
            "webhook_oldest_due_seconds",
            "How long the oldest due delivery has waited",
            read.webhooks_oldest_due_s.clone(),
        );
        Self { registry, requests, request_seconds, read }
    }
}

impl Metrics {
    /// Everything as text.
    ///
    /// # Errors
    /// Never in practice: text takes any bytes.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
