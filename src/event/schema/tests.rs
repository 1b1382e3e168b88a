//! What is understood, checked against a whole validator; what is not, refused.

use super::*;
use boon::{Compiler, Schemas};
use serde_json::json;

fn read(schema: &Value) -> Schema {
    Schema::read(schema).unwrap_or_else(|e| panic!("{schema}: {e}"))
}

/// Whether the reference takes it.
fn reference(schema: &Value, value: &Value) -> bool {
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.enable_format_assertions();
    compiler.add_resource("a.json", schema.clone()).unwrap();
    let index = compiler.compile("a.json", &mut schemas).unwrap();
    schemas.validate(value, index).is_ok()
}

#[test]
fn every_schema_takes_and_refuses_what_a_whole_validator_does() {
    let schemas = [
        json!(true),
        json!(false),
        json!({}),
        json!({ "type": "integer" }),
        json!({ "type": ["string", "null"] }),
        json!({ "type": "number", "minimum": 1, "maximum": 3 }),
        json!({ "exclusiveMinimum": 1, "exclusiveMaximum": 3 }),
        json!({ "enum": [1, "a", null, [1, 2], { "a": 1 }] }),
        json!({ "const": { "a": [1, 2.0] } }),
        json!({ "type": "string", "minLength": 1, "maxLength": 2 }),
        json!({ "format": "uuid" }),
        json!({ "format": "date-time" }),
        json!({ "format": "date" }),
        json!({ "items": { "type": "integer" }, "minItems": 1, "maxItems": 2 }),
        json!({ "properties": { "a": { "type": "integer" } }, "required": ["a"] }),
        json!({ "properties": { "a": true }, "additionalProperties": false }),
        json!({ "additionalProperties": { "type": "string" }, "maxProperties": 1 }),
        json!({ "minProperties": 2 }),
        json!({ "anyOf": [{ "type": "integer" }, { "minLength": 3 }] }),
        json!({ "anyOf": [{ "required": ["a"] }, { "required": ["b"] }], "type": "object" }),
    ];
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(2),
        json!(3),
        json!(-7),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("a"),
        json!("é☎"),
        json!("abc"),
        json!("0192a5a0-0000-7000-8000-000000000001"),
        json!("0192a5a000007000800000000000000001"),
        json!("2026-01-31T12:00:00Z"),
        json!("2026-01-31T12:00:00.5+02:00"),
        json!("2026-01-31 12:00:00Z"),
        json!("2026-02-31T12:00:00Z"),
        json!("2026-01-31"),
        json!("2026-02-30"),
        json!([]),
        json!([1]),
        json!([1, 2]),
        json!([1.0, 2]),
        json!([1, "a"]),
        json!([1, 2, 3]),
        json!({}),
        json!({ "a": 1 }),
        json!({ "a": [1.0, 2] }),
        json!({ "a": "x", "b": "y" }),
        json!({ "b": 7 }),
    ];
    for schema in &schemas {
        for value in &values {
            let ours = read(schema).check(value);
            assert_eq!(ours.is_ok(), reference(schema, value), "{schema} {value} {ours:?}");
        }
    }
}

#[test]
fn a_fault_names_its_path_and_what_is_wrong_there() {
    let schema = read(&json!({
        "type": "object",
        "required": ["order"],
        "properties": { "order": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": false,
            "properties": {
                "id": { "type": "string", "format": "uuid" },
                "lines": { "type": "array", "items": {
                    "type": "object",
                    "required": ["price"],
                    "properties": { "price": { "type": "number", "minimum": 0 } }
                } }
            }
        } }
    }));
    let told = |value: Value| -> Vec<(String, String)> {
        let faults = schema.check(&value).unwrap_err();
        faults.into_iter().map(|fault| (fault.path, fault.message)).collect()
    };
    let fault = |path: &str, message: &str| (path.to_owned(), message.to_owned());
    assert_eq!(told(json!({})), [fault("order", "is required")]);
    assert_eq!(told(json!([])), [fault("", "must be object")]);
    assert_eq!(
        told(json!({ "order": { "lines": [{ "price": 1 }, { "price": -1 }, {}], "x": 1 } })),
        [
            fault("order.id", "is required"),
            fault("order.lines[1].price", "must be at least 0"),
            fault("order.lines[2].price", "is required"),
            fault("order.x", "is not expected"),
        ]
    );
    assert_eq!(told(json!({ "order": { "id": "7" } })), [fault("order.id", "must be a uuid")]);
}

#[test]
fn what_is_not_understood_or_wrong_is_refused_by_its_path() {
    let mut deep = json!({});
    for _ in 0..DEPTH_MAX {
        deep = json!({ "items": deep });
    }
    for (schema, path) in [
        (json!("object"), ""),
        (json!({ "pattern": "^a" }), "pattern"),
        (json!({ "$ref": "#/$defs/a" }), "$ref"),
        (json!({ "$defs": {} }), "$defs"),
        (json!({ "allOf": [] }), "allOf"),
        (json!({ "properties": { "a": { "oneOf": [] } } }), "properties.a.oneOf"),
        (json!({ "propertis": {} }), "propertis"),
        (json!({ "type": "int" }), "type"),
        (json!({ "type": [] }), "type"),
        (json!({ "enum": [] }), "enum"),
        (json!({ "required": "a" }), "required"),
        (json!({ "required": [1] }), "required"),
        (json!({ "minLength": -1 }), "minLength"),
        (json!({ "minimum": "1" }), "minimum"),
        (json!({ "items": [] }), "items"),
        (json!({ "anyOf": [] }), "anyOf"),
        (json!({ "anyOf": [{}, { "type": 7 }] }), "anyOf[1].type"),
        (json!({ "format": "ipv4" }), "format"),
        (json!({ "description": "x".repeat(TEXT_MAX) }), ""),
        (deep, ["items"; DEPTH_MAX].join(".").as_str()),
    ] {
        let refused = Schema::read(&schema).unwrap_err();
        assert_eq!(refused.path, path, "{refused}");
    }
}

#[test]
fn a_check_ends_however_large_the_data_is() {
    let schema = read(&json!({ "items": { "items": { "type": "integer" } } }));
    let row = Value::Array(vec![json!(1); 2_000]);
    let faults = schema.check(&Value::Array(vec![row; 1_000])).unwrap_err();
    assert!(faults[0].message.contains("steps"), "{faults:?}");
    let wrong = Value::Array(vec![json!(["a"]); 1_000]);
    assert_eq!(schema.check(&wrong).unwrap_err().len(), FAULTS_MAX);
}
