//! The JSON Schema of a plan file, drawn from the table of keys, so that editors complete and check what `check` takes.

use serde_json::{Map, Value, json};

use crate::keys::{
    Key, Object, PERFORMED, PLAN, PROBE, STEP, STEP_TEMPLATE, Shape, TEMPLATE_SPEC, UNDO, UNTIL, VARIANT,
};

const NAME: &str = "^[a-z0-9][a-z0-9-]{0,62}$";
const DURATION: &str = "^([0-9]+(ms|s|m|h))+$";
const REGION: &str = r"^[a-z0-9-]{1,63}$|\$\{.+\}";

/// The schema, draft 2020-12, of plans and of step templates. Keys that this build does not carry out are left out of
/// it, as `check` refuses them.
pub fn schema() -> Value {
    let mut known = Map::new();
    define(&PLAN, &mut known);
    define(&STEP_TEMPLATE, &mut known);
    let is_template = json!({"properties": {"kind": {"const": "StepTemplate"}}, "required": ["kind"]});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://baton/v1/plan",
        "title": "Baton plan",
        "if": is_template,
        "then": reference(&STEP_TEMPLATE),
        "else": reference(&PLAN),
        "$defs": known,
    })
}

/// `an approval` is `approval` among the definitions.
fn place(object: &'static Object) -> String {
    let name = ["a ", "an ", "the "].iter().find_map(|article| object.name.strip_prefix(article));
    name.unwrap_or(object.name).replace(' ', "-")
}

fn reference(object: &'static Object) -> Value {
    json!({"$ref": format!("#/$defs/{}", place(object))})
}

/// Adds a mapping and all that it leads to. Goes down the stack with the table, which is a few levels deep.
fn define(object: &'static Object, known: &mut Map<String, Value>) {
    if known.contains_key(&place(object)) {
        return;
    }
    known.insert(place(object), mapping(object));
    object.keys.iter().filter_map(|key| key.shape.object()).for_each(|inner| define(inner, known));
}

fn mapping(object: &'static Object) -> Value {
    let properties: Map<String, Value> =
        object.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = object.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": object.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let is = |other: &'static Object| std::ptr::eq(object, other);
    if [&STEP, &UNDO, &TEMPLATE_SPEC, &PROBE, &UNTIL].into_iter().any(is) {
        schema["oneOf"] = object.actions().map(|action| json!({"required": [action]})).collect();
    }
    if [&STEP, &UNDO, &TEMPLATE_SPEC, &VARIANT].into_iter().any(is) {
        let must_say = PERFORMED.iter().map(|key| ((*key).to_owned(), json!(["idempotent"])));
        schema["dependentRequired"] = Value::Object(must_say.collect());
    }
    if is(&STEP) {
        schema["dependentRequired"]["with"] = json!(["uses"]);
    }
    schema
}

fn property(key: &'static Key) -> Value {
    let mut schema = shape(&key.shape);
    schema["description"] = json!(key.doc);
    schema
}

/// Where the agent finds a value.
fn secret() -> Value {
    let place = json!({"type": "string", "pattern": "^(env:.+|file:.+)$"});
    json!({
        "type": "object",
        "properties": {"secret": place},
        "required": ["secret"],
        "additionalProperties": false,
    })
}

fn shape(shape: &'static Shape) -> Value {
    let scalar = json!({"type": ["string", "number", "boolean"]});
    let duration = json!({"type": "string", "pattern": DURATION});
    let value = || json!({"oneOf": [scalar, {"type": "array", "items": scalar, "maxItems": 1000}]});
    match shape {
        Shape::Text | Shape::Template => scalar,
        Shape::Texts => json!({"type": "array", "items": scalar, "uniqueItems": true}),
        Shape::Condition => json!({"type": ["string", "boolean"]}),
        Shape::Exactly(text) => json!({"const": text}),
        Shape::Name => json!({"type": "string", "pattern": NAME}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::Words(words) => {
            json!({"type": "array", "items": {"enum": words}, "minItems": 1, "uniqueItems": true})
        }
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Shape::Duration => duration,
        Shape::Bound => json!({"oneOf": [{"type": "integer"}, duration]}),
        Shape::Region => json!({"type": "string", "pattern": REGION}),
        Shape::Command => json!({"oneOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": scalar, "minItems": 1, "maxItems": 1000},
        ]}),
        Shape::Secret => json!({"oneOf": [scalar, secret()]}),
        Shape::Json => json!({}),
        Shape::ListOf(inner) => json!({"type": "array", "items": self::shape(inner), "maxItems": 1000}),
        Shape::ByName(inner) => json!({"type": "object", "additionalProperties": self::shape(inner)}),
        Shape::Codes => json!({"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 255}}),
        Shape::Names => {
            json!({"type": "array", "items": {"type": "string", "pattern": NAME}, "uniqueItems": true, "maxItems": 1000})
        }
        Shape::Labels => json!({"type": "object", "additionalProperties": scalar}),
        Shape::Counts => {
            let count = json!({"type": "integer", "minimum": 1, "maximum": 10_000});
            json!({"type": "object", "additionalProperties": count, "propertyNames": {"pattern": NAME}})
        }
        Shape::Values => json!({"type": "object", "additionalProperties": value()}),
        Shape::Value => value(),
        Shape::Nothing => {
            json!({"oneOf": [{"type": "object", "maxProperties": 0}, {"type": "null"}, {"const": true}]})
        }
        Shape::Or(other, object) => json!({"oneOf": [self::shape(other), reference(object)]}),
        Shape::Object(inner) => reference(inner),
        Shape::Map(inner) => json!({"type": "object", "additionalProperties": reference(inner)}),
        Shape::List(inner) => {
            json!({"type": "array", "items": reference(inner), "minItems": 1, "maxItems": 10_000})
        }
    }
}
