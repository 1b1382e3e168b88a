//! Asks the same kind of question many times, one after the other, and says how long answers took.

use crate::cli::bench::{
    Outcome, client::Api, cost::Window, report::Section, server::Server, stats::Latencies, wrong,
};
use serde_json::Value;

/// A kind of question.
pub(super) struct Question {
    /// Its name in JSON and in the table.
    name: &'static str,
    /// Whether some answer has to have rows, or none may: a question that finds nothing by mistake
    /// measures nothing. Either is fine where this is not said.
    finds: Option<bool>,
    /// The path of the question of that number.
    path: Box<dyn Fn(u64) -> String>,
}

impl Question {
    /// One that finds something.
    pub(super) fn new(name: &'static str, path: impl Fn(u64) -> String + 'static) -> Self {
        Self { name, finds: Some(true), path: Box::new(path) }
    }

    /// The same, but it may find nothing.
    pub(super) fn or_nothing(self) -> Self {
        Self { finds: None, ..self }
    }

    /// Whether its name has this in it.
    pub(super) fn is(&self, part: &str) -> bool {
        self.name.contains(part)
    }

    /// One that finds nothing.
    pub(super) fn vain(name: &'static str, path: impl Fn(u64) -> String + 'static) -> Self {
        Self { name, finds: Some(false), path: Box::new(path) }
    }
}

/// An order of a list: its name in the table, and what is asked for.
pub(super) type Order = (&'static str, &'static str);

/// Asks `who`'s question so often in each order.
pub(super) async fn ask(
    api: &mut Api,
    server: &Server,
    (who, question): (&str, &Question),
    (orders, count): (&[Order], u64),
) -> Outcome<Section> {
    let Question { name, finds, path } = question;
    let window = Window::open(server.pid());
    let (mut all, mut found) = (Latencies::default(), 0);
    let mut each = Vec::new();
    for (order, query) in orders {
        let mut own = Latencies::default();
        for number in 0..count {
            let (took, answer) = api.timed(&format!("{}&{query}", path(number))).await?;
            own.add(took);
            found += answer.get("data").and_then(Value::as_array).map_or(0, Vec::len);
        }
        each.push((*order, own.percentile_ms(0.99)));
        all.extend(own);
    }
    let spent = window.close();
    // A customer of a small desk has few tickets.
    if who == "staff" && finds.is_some_and(|finds| finds != (found > 0)) {
        return Err(wrong(format!("{who}, {name}: {found} rows were found")));
    }
    let asked = (count * orders.len() as u64) as f64;
    let key: String = format!("{who} {name}")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let mut section = Section::new(key, format!("{who}: {name}"))
        .latencies(&mut all)
        .with(("rows", "rows an answer", ""), found as f64 / asked)
        .with(("server_us", "server CPU an answer", "µs"), spent.server_us_per(asked));
    for (order, p99) in each.into_iter().filter(|_| orders.len() > 1) {
        section = section.with((order, order, "ms"), p99);
    }
    Ok(section)
}
