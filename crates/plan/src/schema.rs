//! The JSON Schema of a plan file, drawn from the table of keys, so that editors complete and check what `check` takes.

use serde_json::{Map, Value, json};

use crate::keys::{Key, Object, PLAN, STEP, Shape};

const NAME: &str = "^[a-z0-9][a-z0-9-]{0,62}$";
const DURATION: &str = "^([0-9]+(ms|s|m|h))+$";
const REGION: &str = r"^[a-z0-9-]{1,63}$|\$\{.+\}";

/// The schema, draft 2020-12. Keys that this build does not carry out are left out of it, as `check` refuses them.
pub fn schema() -> Value {
    let mut schema = object(&PLAN);
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://baton/v1/plan",
        "title": "Baton plan",
    });
    if let (Some(schema), Value::Object(head)) = (schema.as_object_mut(), head) {
        schema.extend(head);
    }
    schema
}

fn object(object: &'static Object) -> Value {
    let properties: Map<String, Value> =
        object.carried().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = object.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": object.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if std::ptr::eq(object, &STEP) {
        schema["oneOf"] = json!([{"required": ["command"]}, {"required": ["wait"]}, {"required": ["noop"]}]);
        schema["dependentRequired"] = json!({"command": ["idempotent"]});
    }
    schema
}

fn property(key: &'static Key) -> Value {
    let mut schema = shape(&key.shape);
    schema["description"] = json!(key.doc);
    schema
}

fn shape(shape: &'static Shape) -> Value {
    let scalar = json!(["string", "number", "boolean"]);
    match shape {
        Shape::Text | Shape::Scalar => json!({"type": scalar}),
        Shape::Condition => json!({"type": ["string", "boolean"]}),
        Shape::Exactly(text) => json!({"const": text}),
        Shape::Name => json!({"type": "string", "pattern": NAME}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Shape::Duration => json!({"type": "string", "pattern": DURATION}),
        Shape::Region => json!({"type": "string", "pattern": REGION}),
        Shape::Command => json!({"oneOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": {"type": scalar}, "minItems": 1, "maxItems": 1000},
        ]}),
        Shape::Codes => json!({"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 255}}),
        Shape::Names => {
            json!({"type": "array", "items": {"type": "string", "pattern": NAME}, "uniqueItems": true, "maxItems": 1000})
        }
        Shape::Labels => json!({"type": "object", "additionalProperties": {"type": scalar}}),
        Shape::Nothing => {
            json!({"oneOf": [{"type": "object", "maxProperties": 0}, {"type": "null"}, {"const": true}]})
        }
        Shape::DurationOr(other) => {
            json!({"oneOf": [{"type": "string", "pattern": DURATION}, object(other)]})
        }
        Shape::Object(inner) => object(inner),
        Shape::Map(inner) => json!({"type": "object", "additionalProperties": object(inner)}),
        Shape::List(inner) => {
            json!({"type": "array", "items": object(inner), "minItems": 1, "maxItems": 10_000})
        }
        Shape::Later(_) => json!(false),
    }
}
