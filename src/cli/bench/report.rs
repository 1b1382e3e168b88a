//! What a bench prints: a table for people, or one JSON object for programs.

use super::{
    cost::{self, Spent},
    stats::Latencies,
};
use serde_json::{Map, Number, Value, json};
use std::{fmt::Write as _, path::Path};

/// Where it was measured: numbers mean little without.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    cores: usize,
    cpu: Option<String>,
    file_system: Option<String>,
    sync_us: Option<f64>,
    pinned: Option<String>,
}

impl Machine {
    /// This one, with its disk as seen from `folder`.
    pub(super) fn here(folder: &Path, pinned: Option<&str>) -> Self {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            line.split_once(':').map(|(_, name)| name.trim().to_owned())
        });
        Self {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            cpu,
            file_system: cost::file_system(folder),
            sync_us: cost::sync_takes(folder).ok().map(|took| took.as_secs_f64() * 1e6),
            pinned: pinned.map(str::to_owned),
        }
    }

    fn line(&self) -> String {
        let mut line = format!("{} cores", self.cores);
        for (before, text) in [(", ", &self.cpu), ("; folder on ", &self.file_system)] {
            if let Some(text) = text {
                line.push_str(before);
                line.push_str(text);
            }
        }
        if let Some(us) = self.sync_us {
            line.push_str(&format!(", a synchronised write takes {us:.0} µs"));
        }
        if let Some(cpus) = &self.pinned {
            line.push_str(&format!("; server on CPU {cpus} only"));
        }
        line
    }

    fn json(&self) -> Value {
        json!({
            "cores": self.cores,
            "cpu": self.cpu,
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
            "file_system": self.file_system,
            "synchronised_write_us": self.sync_us.and_then(number),
            "server_cpus": self.pinned,
        })
    }
}

/// One number; none where the system does not tell.
#[derive(Debug)]
struct Figure {
    key: &'static str,
    label: &'static str,
    value: Option<f64>,
    unit: &'static str,
}

/// Numbers that belong together.
#[derive(Debug)]
pub(super) struct Section {
    key: String,
    title: String,
    figures: Vec<Figure>,
}

impl Section {
    /// An empty one. `key` is its name in JSON.
    pub(super) fn new(key: impl Into<String>, title: impl Into<String>) -> Self {
        Self { key: key.into(), title: title.into(), figures: Vec::new() }
    }

    /// Adds a number: its name in JSON, its name for people, its unit.
    #[must_use]
    pub(super) fn with(
        mut self,
        (key, label, unit): (&'static str, &'static str, &'static str),
        value: impl Into<Option<f64>>,
    ) -> Self {
        self.figures.push(Figure { key, label, value: value.into(), unit });
        self
    }

    /// Adds median, 99th percentile and maximum.
    #[must_use]
    pub(super) fn latencies(self, latencies: &mut Latencies) -> Self {
        let p50 = latencies.percentile_ms(0.5);
        let p99 = latencies.percentile_ms(0.99);
        let max = latencies.max_ms();
        self.with(("p50_ms", "latency, median", "ms"), p50)
            .with(("p99_ms", "latency, 99 of 100 within", "ms"), p99)
            .with(("max_ms", "latency, longest", "ms"), max)
    }

    /// Adds how busy both sides were.
    #[must_use]
    pub(super) fn busy(self, spent: &Spent) -> Self {
        self.with(("server_cores", "cores the server kept busy", ""), spent.server_cores())
            .with(("driver_cores", "cores the driver kept busy", ""), spent.driver_cores())
    }
}

/// All that a bench found.
#[derive(Debug)]
pub(super) struct Report {
    bench: &'static str,
    machine: Machine,
    sections: Vec<Section>,
}

impl Report {
    /// An empty one.
    pub(super) fn new(bench: &'static str, machine: Machine) -> Self {
        Self { bench, machine, sections: Vec::new() }
    }

    /// Adds a section.
    pub(super) fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// As a table.
    pub(super) fn table(&self) -> String {
        let mut text = format!("deskbell {} bench {}\n", env!("CARGO_PKG_VERSION"), self.bench);
        text.push_str(&format!("{}\n", self.machine.line()));
        let figures = || self.sections.iter().flat_map(|s| &s.figures);
        let wide = figures().map(|f| f.label.chars().count()).max().unwrap_or(0);
        for section in &self.sections {
            text.push_str(&format!("\n{}\n", section.title));
            for Figure { label, value, unit, .. } in &section.figures {
                let value = value.map_or_else(|| String::from("n/a"), readable);
                // Writing into a String cannot fail.
                let _never = writeln!(text, "  {label:wide$} {value:>12} {unit}");
            }
        }
        text.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }

    /// As JSON: `results.<section>.<figure>`, null where the system does not tell.
    pub(super) fn json(&self) -> String {
        let results: Map<String, Value> = self
            .sections
            .iter()
            .map(|section| {
                let figures: Map<String, Value> = section
                    .figures
                    .iter()
                    .map(|f| (f.key.to_owned(), f.value.and_then(number).into()))
                    .collect();
                (section.key.clone(), figures.into())
            })
            .collect();
        let whole = json!({
            "bench": self.bench,
            "version": env!("CARGO_PKG_VERSION"),
            "machine": self.machine.json(),
            "results": results,
        });
        format!("{whole:#}\n")
    }
}

/// With as many digits as mean something: three decimals, none where the number is whole.
#[allow(clippy::cast_possible_truncation, reason = "bounded by the comparison before it")]
fn number(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Some((value as i64).into());
    }
    Number::from_f64((value * 1_000.0).round() / 1_000.0)
}

/// `1,234,567`, `123`, `12.3`, `1.23`.
fn readable(value: f64) -> String {
    let text = match value.abs() {
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |(w, r)| (w, r));
    let mut out = String::new();
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    if rest.is_empty() { out } else { format!("{out}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        let table = [
            (0.0, "0"),
            (7.0, "7"),
            (3.456, "3.46"),
            (45.67, "45.7"),
            (456.7, "457"),
            (1_234.5, "1,234"),
            (1_234_567.0, "1,234,567"),
            (-123_456.0, "-123,456"),
        ];
        for (value, text) in table {
            assert_eq!(readable(value), text);
        }
    }

    /// Table and JSON say the same; what is not known is `n/a` and `null`.
    #[test]
    fn a_report_says_all_its_figures() {
        let folder = crate::test_folder();
        let mut report = Report::new("ingest", Machine::here(folder.path(), Some("0")));
        report.add(
            Section::new("creates", "Creates")
                .with(("per_s", "creates a second", "/s"), 20_123.4)
                .with(("server_us", "CPU", "µs"), None),
        );
        let table = report.table();
        for part in ["bench ingest", "server on CPU 0 only", "Creates\n", "20,123 /s", "n/a µs"] {
            assert!(table.contains(part), "{part} is not in {table}");
        }
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["results"]["creates"], json!({"per_s": 20_123.4, "server_us": null}));
        assert_eq!(
            (&json["bench"], &json["machine"]["server_cpus"]),
            (&"ingest".into(), &"0".into())
        );
    }
}
