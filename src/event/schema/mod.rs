//! A part of JSON Schema (draft 2020-12), enough to say what a tenant's own events look like.
//!
//! What is not understood is refused when the schema is registered, never ignored: a rule that
//! nobody checks is worse than none. There are no references and no expressions, so that the work
//! is bounded by the size of the schema times that of the data.

mod read;
#[cfg(test)]
mod tests;

pub use read::{BadSchema, KEYWORDS};

use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt};

/// Most bytes of a schema's text.
pub const TEXT_MAX: usize = 16 << 10;

/// Deepest nesting of schemas in a schema.
pub const DEPTH_MAX: usize = 16;

/// Most steps of one check; data that takes more is refused rather than half checked.
pub const STEPS_MAX: u32 = 1_000_000;

/// Faults told of one value; the rest are found when these are mended.
pub const FAULTS_MAX: usize = 20;

/// What is wrong with a value, and where: `order.items[2].price`, empty for the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where, from the value that was checked.
    pub path: String,
    /// What is wrong there, in words.
    pub message: String,
}

/// One of the seven types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    const ALL: [(&'static str, Self); 7] = [
        ("null", Self::Null),
        ("boolean", Self::Boolean),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("string", Self::String),
        ("array", Self::Array),
        ("object", Self::Object),
    ];

    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            // 2.0 is an integer, as the standard has it.
            Self::Integer => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
            }
            Self::Number => value.is_number(),
            Self::String => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

/// What a string says beyond being one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Uuid,
    DateTime,
    Date,
    Email,
    Uri,
}

impl Format {
    const ALL: [(&'static str, Self); 5] = [
        ("uuid", Self::Uuid),
        ("date-time", Self::DateTime),
        ("date", Self::Date),
        ("email", Self::Email),
        ("uri", Self::Uri),
    ];

    fn takes(self, text: &str) -> bool {
        match self {
            Self::Uuid => text.len() == 36 && uuid::Uuid::parse_str(text).is_ok(),
            Self::DateTime => {
                // The library also reads times with a space or without seconds.
                text.len() >= 20
                    && text.as_bytes().get(10).is_some_and(|t| matches!(t, b'T' | b't'))
                    && !text.contains('[')
                    && crate::time::parse_rfc3339(text).is_some()
            }
            Self::Date => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
            Self::Email => text.split_once('@').is_some_and(|(name, host)| {
                let plain = |part: &str| {
                    !part.is_empty() && !part.contains(|c: char| c == '@' || c.is_whitespace())
                };
                plain(name) && plain(host)
            }),
            Self::Uri => url::Url::parse(text).is_ok(),
        }
    }
}

/// A schema that was read and understood.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// `false` as a schema: nothing is taken.
    never: bool,
    types: Vec<Type>,
    one_of_these: Option<Vec<Value>>,
    constant: Option<Value>,
    properties: BTreeMap<String, Schema>,
    required: Vec<String>,
    additional: Option<Box<Schema>>,
    properties_count: (Option<u64>, Option<u64>),
    items: Option<Box<Schema>>,
    items_count: (Option<u64>, Option<u64>),
    length: (Option<u64>, Option<u64>),
    at_least: Option<f64>,
    at_most: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
    format: Option<Format>,
    any_of: Vec<Schema>,
}

impl Schema {
    /// What is wrong with `value`; nothing when it is as the schema says.
    ///
    /// # Errors
    /// Up to [`FAULTS_MAX`] faults.
    pub fn check(&self, value: &Value) -> Result<(), Vec<Fault>> {
        let mut check = Check { faults: Vec::new(), steps: 0 };
        check.value(self, value, &mut String::new());
        if check.steps > STEPS_MAX {
            let message = format!("takes more than {STEPS_MAX} steps to check");
            return Err(vec![Fault { path: String::new(), message }]);
        }
        if check.faults.is_empty() { Ok(()) } else { Err(check.faults) }
    }
}

/// A check under way.
struct Check {
    faults: Vec<Fault>,
    steps: u32,
}

impl Check {
    fn fail(&mut self, path: &str, message: impl fmt::Display) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { path: path.to_owned(), message: message.to_string() });
        }
    }

    /// Counts a step; false when there were too many.
    fn goes_on(&mut self) -> bool {
        self.steps = self.steps.saturating_add(1);
        self.steps <= STEPS_MAX && self.faults.len() < FAULTS_MAX
    }

    fn value(&mut self, schema: &Schema, value: &Value, path: &mut String) {
        if !self.goes_on() {
            return;
        }
        if schema.never {
            return self.fail(path, "is not expected");
        }
        if !schema.types.is_empty() && !schema.types.iter().any(|t| t.takes(value)) {
            let named = |t: &Type| Type::ALL.iter().find(|(_, of)| of == t).map_or("", |t| t.0);
            let names: Vec<_> = schema.types.iter().map(named).collect();
            return self.fail(path, format_args!("must be {}", names.join(" or ")));
        }
        if let Some(listed) = &schema.one_of_these
            && !listed.iter().any(|one| same(one, value))
        {
            let names: Vec<_> = listed.iter().map(Value::to_string).collect();
            self.fail(path, format_args!("must be one of {}", shortened(&names.join(", "))));
        }
        if let Some(constant) = &schema.constant
            && !same(constant, value)
        {
            self.fail(path, format_args!("must be {}", shortened(&constant.to_string())));
        }
        match value {
            Value::Object(object) => self.object(schema, object, path),
            Value::Array(items) => self.array(schema, items, path),
            Value::String(text) => self.string(schema, text, path),
            Value::Number(number) => self.number(schema, number.as_f64().unwrap_or(0.0), path),
            Value::Null | Value::Bool(_) => {}
        }
        self.any_of(schema, value, path);
    }

    fn object(&mut self, schema: &Schema, object: &Map<String, Value>, path: &mut String) {
        for name in &schema.required {
            if !object.contains_key(name) {
                let length = enter(path, name);
                self.fail(path, "is required");
                path.truncate(length);
            }
        }
        self.count(schema.properties_count, object.len() as u64, "fields", path);
        for (name, value) in object {
            let known = schema.properties.get(name);
            let Some(schema) = known.or(schema.additional.as_deref()) else { continue };
            let length = enter(path, name);
            self.value(schema, value, path);
            path.truncate(length);
        }
    }

    fn array(&mut self, schema: &Schema, items: &[Value], path: &mut String) {
        self.count(schema.items_count, items.len() as u64, "items", path);
        let Some(schema) = &schema.items else { return };
        for (index, item) in items.iter().enumerate() {
            let length = path.len();
            path.push_str(&format!("[{index}]"));
            self.value(schema, item, path);
            path.truncate(length);
        }
    }

    fn string(&mut self, schema: &Schema, text: &str, path: &str) {
        if schema.length != (None, None) {
            self.count(schema.length, text.chars().count() as u64, "characters", path);
        }
        if let Some(format) = schema.format
            && !format.takes(text)
        {
            let name = Format::ALL.iter().find(|(_, of)| *of == format).map_or("", |f| f.0);
            self.fail(path, format_args!("must be a {name}"));
        }
    }

    fn number(&mut self, schema: &Schema, number: f64, path: &str) {
        if let Some(least) = schema.at_least.filter(|least| number < *least) {
            self.fail(path, format_args!("must be at least {least}"));
        }
        if let Some(most) = schema.at_most.filter(|most| number > *most) {
            self.fail(path, format_args!("must be at most {most}"));
        }
        if let Some(least) = schema.above.filter(|least| number <= *least) {
            self.fail(path, format_args!("must be more than {least}"));
        }
        if let Some(most) = schema.below.filter(|most| number >= *most) {
            self.fail(path, format_args!("must be less than {most}"));
        }
    }

    fn count(&mut self, (min, max): (Option<u64>, Option<u64>), n: u64, of: &str, path: &str) {
        if let Some(min) = min.filter(|min| n < *min) {
            self.fail(path, format_args!("must have at least {min} {of}"));
        }
        if let Some(max) = max.filter(|max| n > *max) {
            self.fail(path, format_args!("must have at most {max} {of}"));
        }
    }

    fn any_of(&mut self, schema: &Schema, value: &Value, path: &str) {
        if schema.any_of.is_empty() {
            return;
        }
        let takes = |of: &Schema, steps: &mut u32| {
            let mut alone = Self { faults: Vec::new(), steps: *steps };
            alone.value(of, value, &mut String::new());
            *steps = alone.steps;
            alone.faults.is_empty()
        };
        let mut steps = self.steps;
        let taken = schema.any_of.iter().any(|of| takes(of, &mut steps));
        self.steps = steps;
        if !taken {
            self.fail(path, format_args!("is none of the {} allowed", schema.any_of.len()));
        }
    }
}

/// Goes into a field; answers how long the path was.
fn enter(path: &mut String, name: &str) -> usize {
    let length = path.len();
    if length > 0 {
        path.push('.');
    }
    path.push_str(name);
    length
}

/// Whether two values are the same to the standard, which does not tell 1 from 1.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// At most a line of it.
fn shortened(text: &str) -> String {
    const LINE: usize = 120;
    match text.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
