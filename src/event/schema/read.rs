//! Reading a schema: every keyword is understood, or the schema is refused by its path.

use super::{DEPTH_MAX, Format, Schema, TEXT_MAX, Type};
use serde_json::{Map, Value};
use std::fmt;

/// Keywords that say something about a value.
pub const KEYWORDS: [&str; 19] = [
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "format",
    "anyOf",
];

/// Keywords that only speak to people.
const WORDS: [&str; 10] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// Why a schema is refused, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSchema {
    /// Where, from the schema's top: `properties.order.minimum`.
    pub path: String,
    /// Why, in words.
    pub message: String,
}

impl fmt::Display for BadSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

impl std::error::Error for BadSchema {}

type Read<T> = Result<T, BadSchema>;

fn bad<T>(path: &str, message: impl Into<String>) -> Read<T> {
    Err(BadSchema { path: path.to_owned(), message: message.into() })
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// Where it is too large, too deep, wrong or not understood.
    pub fn read(value: &Value) -> Read<Self> {
        if value.to_string().len() > TEXT_MAX {
            return bad("", format!("is longer than {} KiB", TEXT_MAX >> 10));
        }
        read(value, "", 0)
    }
}

fn read(value: &Value, path: &str, depth: usize) -> Read<Schema> {
    if depth >= DEPTH_MAX {
        return bad(path, format!("lies deeper than {DEPTH_MAX} schemas"));
    }
    let object = match value {
        Value::Bool(takes) => return Ok(Schema { never: !takes, ..Schema::default() }),
        Value::Object(object) => object,
        _ => return bad(path, "must be an object, true or false"),
    };
    let mut schema = Schema::default();
    for (keyword, value) in object {
        let at = if path.is_empty() { keyword.clone() } else { format!("{path}.{keyword}") };
        keyword_of(&mut schema, keyword, value, (&at, depth))?;
    }
    Ok(schema)
}

fn keyword_of(
    schema: &mut Schema,
    keyword: &str,
    value: &Value,
    (at, depth): (&str, usize),
) -> Read<()> {
    match keyword {
        "type" => schema.types = types(value, at)?,
        "enum" => match value.as_array() {
            Some(listed) if !listed.is_empty() => schema.one_of_these = Some(listed.clone()),
            _ => return bad(at, "must be a list of values"),
        },
        "const" => schema.constant = Some(value.clone()),
        "properties" => {
            for (name, value) in entries(value, at)? {
                let read = read(value, &format!("{at}.{name}"), depth + 1)?;
                schema.properties.insert(name.clone(), read);
            }
        }
        "required" => schema.required = names(value, at)?,
        "additionalProperties" => schema.additional = Some(Box::new(read(value, at, depth + 1)?)),
        "items" => schema.items = Some(Box::new(read(value, at, depth + 1)?)),
        "minProperties" => schema.properties_count.0 = Some(count(value, at)?),
        "maxProperties" => schema.properties_count.1 = Some(count(value, at)?),
        "minItems" => schema.items_count.0 = Some(count(value, at)?),
        "maxItems" => schema.items_count.1 = Some(count(value, at)?),
        "minLength" => schema.length.0 = Some(count(value, at)?),
        "maxLength" => schema.length.1 = Some(count(value, at)?),
        "minimum" => schema.at_least = Some(number(value, at)?),
        "maximum" => schema.at_most = Some(number(value, at)?),
        "exclusiveMinimum" => schema.above = Some(number(value, at)?),
        "exclusiveMaximum" => schema.below = Some(number(value, at)?),
        "format" => schema.format = Some(format(value, at)?),
        "anyOf" => match value.as_array() {
            Some(all) if !all.is_empty() => {
                for (index, one) in all.iter().enumerate() {
                    schema.any_of.push(read(one, &format!("{at}[{index}]"), depth + 1)?);
                }
            }
            _ => return bad(at, "must be a list of schemas"),
        },
        word if WORDS.contains(&word) => {}
        _ => {
            let known = KEYWORDS.join(", ");
            return bad(at, format!("is not understood here; what is: {known}"));
        }
    }
    Ok(())
}

fn types(value: &Value, at: &str) -> Read<Vec<Type>> {
    let one = |value: &Value| {
        let name = value.as_str()?;
        Type::ALL.iter().find(|(known, _)| *known == name).map(|(_, of)| *of)
    };
    let found: Option<Vec<Type>> = match value {
        Value::Array(names) if !names.is_empty() => names.iter().map(one).collect(),
        name => one(name).map(|of| vec![of]),
    };
    let names = Type::ALL.map(|(name, _)| name).join(", ");
    found.ok_or_else(|| BadSchema {
        path: at.to_owned(),
        message: format!("must be one of, or a list of, {names}"),
    })
}

fn entries<'a>(value: &'a Value, at: &str) -> Read<&'a Map<String, Value>> {
    match value {
        Value::Object(entries) => Ok(entries),
        _ => bad(at, "must be an object of schemas"),
    }
}

fn names(value: &Value, at: &str) -> Read<Vec<String>> {
    let name = |value: &Value| value.as_str().map(str::to_owned);
    match value.as_array().and_then(|all| all.iter().map(name).collect()) {
        Some(names) => Ok(names),
        None => bad(at, "must be a list of names"),
    }
}

fn count(value: &Value, at: &str) -> Read<u64> {
    match value.as_u64() {
        Some(count) => Ok(count),
        None => bad(at, "must be a whole number from 0"),
    }
}

fn number(value: &Value, at: &str) -> Read<f64> {
    match value.as_f64() {
        Some(number) => Ok(number),
        None => bad(at, "must be a number"),
    }
}

fn format(value: &Value, at: &str) -> Read<Format> {
    let found = value.as_str().and_then(|name| Format::ALL.iter().find(|f| f.0 == name));
    match found {
        Some((_, format)) => Ok(*format),
        None => bad(at, format!("must be one of {}", Format::ALL.map(|(name, _)| name).join(", "))),
    }
}
