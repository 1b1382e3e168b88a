//! A tenant's own types of events: described for whoever subscribes, and checked when published.
//!
//! A type need not be registered to be published. Once it is, its `data` must be as its schema
//! says.

pub mod http;
mod sql;

use crate::{
    db::Db,
    error::{Checks, Error, FieldError, Result},
    event::{Kind, schema::Schema},
    id::TenantId,
    time,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Most types of one tenant.
const TYPES_MAX: i64 = 200;

/// Longest description, characters.
const DESCRIPTION_MAX: usize = 500;

/// Largest example, bytes of its JSON.
const EXAMPLE_MAX: usize = 16 << 10;

/// Schemas remembered; more types than that start over. An unregistered one counts too.
const REMEMBERED_MAX: usize = 10_000;

/// A registered type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Described {
    /// Its name.
    #[serde(rename = "type")]
    name: String,
    /// What happened, in a sentence.
    description: String,
    /// Who hears it.
    audience: &'static str,
    /// What `data` may look like.
    example: Value,
    /// What `data` must look like.
    schema: Value,
    /// A tenant's own, in contrast to Deskbell's.
    custom: bool,
    version: i64,
    #[serde(serialize_with = "time::as_rfc3339")]
    created_at: i64,
    #[serde(serialize_with = "time::as_rfc3339")]
    updated_at: i64,
}

/// Who hears a custom event, in words.
const AUDIENCE: &str = "staff, unless the event says otherwise";

/// What can be said about a type; when it is changed, what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    description: Option<String>,
    example: Option<Value>,
    schema: Option<Value>,
    version: Option<i64>,
}

/// A type as it should be.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    description: String,
    example: Value,
    schema: Value,
}

impl Wish {
    /// What the type should be: `now`, with what is wished for in its place.
    ///
    /// # Errors
    /// 422 naming every field that is wrong, the path within the schema or the example included.
    fn wanted(&self, now: Option<&Described>) -> Result<Wanted> {
        let mut checks = Checks::new();
        let said = self.description.as_ref().map(|text| text.trim().to_owned());
        let description = said.or_else(|| now.map(|n| n.description.clone()));
        let example = self.example.clone().or_else(|| now.map(|n| n.example.clone()));
        let schema = self.schema.clone().or_else(|| now.map(|n| n.schema.clone()));
        checks.check(description.is_some(), "description", "is required");
        checks.check(example.is_some(), "example", "is required");
        let (description, example) = (description.unwrap_or_default(), example.unwrap_or_default());
        let schema = schema.unwrap_or_else(|| json!({}));
        let length = description.chars().count();
        let long_enough = self.description.is_none() || (1..=DESCRIPTION_MAX).contains(&length);
        checks.check(long_enough, "description", "must be 1 to 500 characters");
        let shown = !description.chars().any(char::is_control);
        checks.check(shown, "description", "must be one line of plain text");
        let fits = example.is_null() || example.is_object();
        checks.check(
            fits && (self.example.is_none() || example.is_object()),
            "example",
            "must be a JSON object",
        );
        checks.check(example.to_string().len() <= EXAMPLE_MAX, "example", "is over 16 KiB");
        match Schema::read(&schema) {
            Err(why) => checks.fail(at("schema", &why.path), why.message),
            Ok(read) if example.is_object() => {
                for fault in read.check(&example).err().unwrap_or_default() {
                    checks.fail(at("example", &fault.path), fault.message);
                }
            }
            Ok(_) => {}
        }
        checks.done()?;
        Ok(Wanted { description, example, schema })
    }
}

/// A field and the path in it.
fn at(field: &str, path: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{field}.{path}") }
}

/// Whether a tenant may give its own type this name.
fn check_name(name: &str) -> Result<()> {
    if !Kind::is_well_formed(name) {
        let why =
            "must be two to four words of a-z, 0-9 and _ joined by dots, at most 64 characters";
        return Err(Error::field("type", why));
    }
    if Kind::is_reserved(name) {
        return Err(Error::Refused {
            code: "reserved_type",
            field: String::from("type"),
            message: format!("`{name}` belongs to Deskbell itself: choose another first word"),
        });
    }
    Ok(())
}

type Known = HashMap<(TenantId, String), Option<Arc<Schema>>>;

/// The schemas in use, remembered so that publishing asks the database for none of them twice.
#[derive(Clone)]
pub struct Types(Arc<Remembered>);

struct Remembered {
    db: Db,
    known: Mutex<Known>,
    /// Counts the changes, so that what was read before one is not remembered after it.
    changes: AtomicU64,
}

impl Types {
    /// Nothing is remembered yet.
    pub fn new(db: Db) -> Self {
        Self(Arc::new(Remembered { db, known: Mutex::default(), changes: AtomicU64::new(0) }))
    }

    /// Whether `data` is what the tenant's type `name` says; anything is where it says nothing.
    ///
    /// # Errors
    /// 422 naming the paths below `{before}data`.
    pub async fn check(
        &self,
        (tenant, name): (TenantId, &str),
        data: &Value,
        before: &str,
    ) -> Result<()> {
        let Some(schema) = self.schema(tenant, name).await? else { return Ok(()) };
        let faults = schema.check(data).err().unwrap_or_default();
        if faults.is_empty() {
            return Ok(());
        }
        let field = |path: &str| at(&format!("{before}data"), path);
        let wrong = faults
            .into_iter()
            .map(|fault| FieldError { field: field(&fault.path), message: fault.message });
        Err(Error::Invalid(wrong.collect()))
    }

    async fn schema(&self, tenant: TenantId, name: &str) -> Result<Option<Arc<Schema>>> {
        let key = (tenant, name.to_owned());
        if let Some(known) = self.0.known.lock().get(&key) {
            return Ok(known.clone());
        }
        let changes = self.0.changes.load(Ordering::Acquire);
        let wanted = name.to_owned();
        let found = self.0.db.read(move |r| sql::find(r, tenant, &wanted)).await?;
        let schema = found.map(|found| Schema::read(&found.schema).map(Arc::new)).transpose();
        let schema = schema.map_err(|why| Error::internal(why.to_string()))?;
        let mut known = self.0.known.lock();
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        if self.0.changes.load(Ordering::Acquire) == changes {
            known.insert(key, schema.clone());
        }
        Ok(schema)
    }

    fn db(&self) -> &Db {
        &self.0.db
    }

    /// A type was registered, changed or deleted; called after the commit, before anyone is told.
    fn changed(&self) {
        // In this order: whoever reads the old row sees the count move before it may remember.
        self.0.changes.fetch_add(1, Ordering::AcqRel);
        self.0.known.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: Value) -> Vec<String> {
        let wish: Wish = serde_json::from_value(body).unwrap();
        match wish.wanted(None) {
            Ok(_) => Vec::new(),
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| f.field).collect(),
            Err(e) => panic!("{e:?}"),
        }
    }

    #[test]
    fn a_type_needs_a_sentence_and_an_example_that_its_schema_takes() {
        let good = || json!({ "description": "Paid.", "example": { "id": 1 } });
        let with = |field: &str, value: Value| {
            let mut body = good();
            body[field] = value;
            told(body)
        };
        assert!(told(good()).is_empty());
        assert_eq!(told(json!({})), ["description", "example"]);
        assert_eq!(with("description", json!(" ")), ["description"]);
        assert_eq!(with("description", json!("two\nlines")), ["description"]);
        assert_eq!(with("description", json!("x".repeat(501))), ["description"]);
        assert_eq!(with("example", json!([])), ["example"]);
        assert_eq!(with("example", json!({ "x": "x".repeat(EXAMPLE_MAX) })), ["example"]);
        let schema = json!({ "properties": { "id": { "type": "string" } } });
        assert_eq!(with("schema", schema), ["example.id"]);
        assert_eq!(
            with("schema", json!({ "properties": { "id": { "$ref": "x" } } })),
            ["schema.properties.id.$ref"]
        );
        assert_eq!(with("schema", json!([])), ["schema"]);
    }

    #[test]
    fn only_free_names_can_be_registered() {
        assert!(check_name("order.paid").is_ok());
        assert!(matches!(check_name("ticket.paid"), Err(Error::Refused { .. })));
        assert!(matches!(check_name("order"), Err(Error::Invalid(_))));
    }
}
