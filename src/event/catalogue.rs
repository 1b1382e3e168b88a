//! The catalogue of built-in kinds: what each means, who hears it, an example and a schema of its
//! `data`. Receivers read it at `GET /event-types`.
//!
//! One file an entity stands in `assets/catalogue/`: the schema of the entity, one example of it,
//! and its kinds, each with what its own example has differently. `common.json` is every schema's
//! `$defs`. A new kind needs a line in `kind.rs` and a paragraph there; a test misses either.

use super::Kind;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The dialect of every schema.
pub const SCHEMA_DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// One kind, as a receiver needs to know it.
#[derive(Debug)]
pub struct Entry {
    /// Which.
    pub kind: Kind,
    /// What happened, in one sentence.
    pub sentence: &'static str,
    /// Who hears it, in words; [`super::Audience`] on the event is what counts.
    pub audience: &'static str,
    /// What `data` may look like.
    pub example: Value,
    /// JSON Schema (draft 2020-12) of `data`. Fields may be added to `data` at any time, so no
    /// schema closes its object.
    pub schema: Value,
}

/// All built-in kinds, in the order of [`Kind::BUILT_IN`].
pub fn entries() -> &'static [Entry] {
    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(read);
    &ENTRIES
}

/// What there is to know about one kind; `None` for a custom one.
pub fn entry(kind: &Kind) -> Option<&'static Entry> {
    entries().iter().find(|entry| entry.kind == *kind)
}

/// One file of the catalogue.
#[derive(Deserialize)]
struct Entity<'a> {
    schema: Map<String, Value>,
    example: Map<String, Value>,
    #[serde(borrow)]
    kinds: Vec<Described<'a>>,
}

/// One kind in it; `example` holds only what differs from the entity's.
#[derive(Deserialize)]
struct Described<'a> {
    kind: &'a str,
    audience: &'a str,
    sentence: &'a str,
    #[serde(default)]
    example: Map<String, Value>,
}

macro_rules! texts {
    ($($file:literal)*) => {
        [$(include_str!(concat!("../../assets/catalogue/", $file, ".json")),)*]
    };
}

/// One text an entity.
const ENTITIES: [&str; 16] = texts!(
    "ticket" "comment" "attachment" "user" "team" "kb_article" "sla" "notification" "webhook_test"
    "webhook" "agent_state" "agent_overdue" "call" "chat" "chat_message" "chat_read"
);

/// The `$defs` of every schema.
const COMMON: &str = include_str!("../../assets/catalogue/common.json");

#[allow(clippy::expect_used, reason = "the texts are part of the program; a test reads them all")]
fn read() -> Vec<Entry> {
    let defs: Value = serde_json::from_str(COMMON).expect("common.json is JSON");
    let mut entries = Vec::with_capacity(Kind::BUILT_IN.len());
    for text in ENTITIES {
        let entity: Entity<'static> =
            serde_json::from_str(text).expect("an entity's file has its shape");
        entries.extend(entity.kinds.iter().filter_map(|kind| describe(&entity, kind, &defs)));
    }
    entries.sort_by_key(|entry| Kind::BUILT_IN.iter().position(|kind| *kind == entry.kind));
    entries
}

/// `None` for a name that is no built-in's; a test counts.
fn describe(entity: &Entity<'static>, kind: &Described<'static>, defs: &Value) -> Option<Entry> {
    let mut example = entity.example.clone();
    example.extend(kind.example.clone());
    let mut schema = Map::from_iter([
        (String::from("$schema"), json!(SCHEMA_DIALECT)),
        (String::from("title"), json!(kind.kind)),
        (String::from("description"), json!(kind.sentence)),
        (String::from("type"), json!("object")),
    ]);
    schema.extend(entity.schema.clone());
    schema.insert(String::from("$defs"), defs.clone());
    Some(Entry {
        kind: Kind::built_in(kind.kind)?,
        sentence: kind.sentence,
        audience: kind.audience,
        example: Value::Object(example),
        schema: Value::Object(schema),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Audience;
    use boon::{Compiler, SchemaIndex, Schemas};

    fn compile(schema: &Value, into: &mut Schemas) -> SchemaIndex {
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource("kind.json", schema.clone()).unwrap();
        compiler.compile("kind.json", into).unwrap()
    }

    fn words(list: &Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
    }

    #[test]
    fn every_built_in_kind_has_exactly_one_entry_in_their_order() {
        let kinds: Vec<_> = entries().iter().map(|entry| &entry.kind).collect();
        assert_eq!(kinds, Kind::BUILT_IN.iter().collect::<Vec<_>>());
        let named =
            ENTITIES.map(|text| serde_json::from_str::<Entity<'_>>(text).unwrap().kinds.len());
        assert_eq!(named.iter().sum::<usize>(), kinds.len(), "a file names a kind that is none");
        assert_eq!(entry(&Kind::TicketMerged).unwrap().kind, Kind::TicketMerged);
        assert!(entry(&Kind::Custom("order.paid".into())).is_none());
    }

    #[test]
    fn every_example_is_what_its_schema_says() {
        for Entry { kind, example, schema, .. } in entries() {
            let mut schemas = Schemas::new();
            let index = compile(schema, &mut schemas);
            if let Err(error) = schemas.validate(example, index) {
                panic!("{kind}: {error}");
            }
        }
    }

    #[test]
    fn every_schema_notices_a_missing_field_and_a_wrong_type_and_bears_an_additional_one() {
        for Entry { kind, example, schema, .. } in entries() {
            let mut schemas = Schemas::new();
            let index = compile(schema, &mut schemas);
            for name in words(&schema["required"]) {
                let mut poorer = example.clone();
                poorer.as_object_mut().unwrap().remove(name);
                assert!(schemas.validate(&poorer, index).is_err(), "{kind} without {name}");
                let mut wrong = example.clone();
                wrong[name] = json!({ "of": ["a", "wrong", "type"] });
                let open = schema["properties"][name]["type"] == "object";
                assert_eq!(schemas.validate(&wrong, index).is_ok(), open, "{kind}.{name}");
            }
            let mut richer = example.clone();
            richer["a_field_of_next_year"] = json!(1);
            assert!(schemas.validate(&richer, index).is_ok(), "{kind} with one more field");
        }
    }

    #[test]
    fn every_schema_is_an_open_object_that_describes_every_field_of_its_example() {
        for Entry { kind, example, schema, sentence, .. } in entries() {
            assert_eq!(schema["$schema"], SCHEMA_DIALECT, "{kind}");
            assert_eq!(schema["type"], "object", "{kind}");
            assert!(schema.get("additionalProperties").is_none(), "{kind} is closed");
            assert_eq!(schema["title"], kind.name());
            assert_eq!(schema["description"], *sentence);
            let described = schema["properties"].as_object().unwrap();
            for name in words(&schema["required"]) {
                assert!(described.contains_key(name), "{kind} requires the unknown {name}");
            }
            for name in example.as_object().unwrap().keys() {
                assert!(described.contains_key(name), "{kind} does not describe {name}");
            }
        }
    }

    #[test]
    fn no_example_shows_a_fact_or_a_word_that_its_audience_must_not_see() {
        let staff_only = [
            "first_response_due_at",
            "resolution_due_at",
            "last_activity_at",
            "internal_note_count",
        ];
        for Entry { kind, example, schema, .. } in entries() {
            for field in staff_only {
                let shown = example.get(field).or(schema["properties"].get(field));
                assert!(shown.is_none(), "{kind} shows {field}");
            }
            for secret in ["secret", "password", "token"] {
                assert!(schema["properties"].get(secret).is_none(), "{kind} shows {secret}");
            }
        }
    }

    #[test]
    fn audiences_in_words_agree_with_the_ones_that_count() {
        for entry in entries() {
            let begins = match entry.kind.name().split('.').next() {
                Some("notification") => "user",
                Some("kb_article") => "everyone while published",
                Some("comment" | "attachment") => "participants when",
                _ if entry.kind.default_audience() == Audience::Participants => "participants",
                _ => "staff",
            };
            assert!(entry.audience.starts_with(begins), "{}: {}", entry.kind, entry.audience);
        }
    }

    #[test]
    fn sentences_are_sentences() {
        for entry in entries() {
            let words = entry.sentence;
            assert!(words.starts_with(char::is_uppercase) && words.ends_with('.'), "{words}");
            assert!((16..=90).contains(&words.len()), "{words}");
        }
    }

    #[test]
    fn what_a_kind_means_can_be_seen_in_its_example() {
        for entry in entries() {
            let gone = entry.kind.name().ends_with(".deleted");
            let tombstone = entry.example.get("deleted_at").is_some_and(|at| !at.is_null());
            assert_eq!(tombstone, gone, "{}", entry.kind);
        }
        let state = entry(&Kind::AgentStateChanged).unwrap();
        let fields = "user_id state previous_state tenant_id reason since previous_duration_ms \
                      source next_state call_id";
        assert_eq!(words(&state.schema["required"]).join(" "), fields);
        let test = entry(&Kind::WebhookTest).unwrap();
        assert_eq!(words(&test.schema["required"]), ["webhook_id", "name", "message"]);
        let incoming = &entry(&Kind::CallIncoming).unwrap().example;
        assert!(incoming["customer"]["name"].is_string() && incoming["recent_tickets"].is_array());
    }
}
