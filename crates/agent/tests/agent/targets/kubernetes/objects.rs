//! Objects, and who set which of their fields: what server-side apply refuses to change over somebody's head.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// `deployments`, a namespace and a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) resource: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(resource: &str, namespace: &str, name: &str) -> Key {
        Key { resource: resource.into(), namespace: namespace.into(), name: name.into() }
    }
}

#[derive(Default, Clone)]
struct Object {
    value: Value,
    /// Who set a field last, by the field's path.
    setters: BTreeMap<String, String>,
}

#[derive(Default)]
pub(super) struct Objects {
    by_key: BTreeMap<Key, Object>,
    version: u64,
}

/// A field that somebody else set to another value: its path, and who.
pub(super) type Conflict = (String, String);

impl Objects {
    pub(super) fn get(&self, key: &Key) -> Option<&Value> {
        self.by_key.get(key).map(|object| &object.value)
    }

    pub(super) fn keys(&self, resource: &str) -> Vec<Key> {
        self.by_key.keys().filter(|key| key.resource == resource).cloned().collect()
    }

    /// What a controller or a merge patch changes: nobody is asked.
    pub(super) fn merge(&mut self, key: &Key, patch: &Value, setter: &str) {
        let mut object = self.by_key.get(key).cloned().unwrap_or_default();
        for (path, _) in leaves(patch) {
            object.setters.insert(path, setter.to_owned());
        }
        merge(&mut object.value, patch);
        self.keep(key, object);
    }

    /// Server-side apply. Unlike the real one it leaves fields alone that the same setter had and wants no more.
    pub(super) fn apply(&mut self, key: &Key, wanted: &Value, setter: &str) -> Result<(), Vec<Conflict>> {
        let object = self.applied(key, wanted, setter)?;
        self.keep(key, object);
        Ok(())
    }

    /// What an apply would make of it.
    pub(super) fn dry_run(&self, key: &Key, wanted: &Value, setter: &str) -> Result<Value, Vec<Conflict>> {
        let object = self.applied(key, wanted, setter)?;
        Ok(numbered(object.value, self.get(key), self.version + 1))
    }

    fn applied(&self, key: &Key, wanted: &Value, setter: &str) -> Result<Object, Vec<Conflict>> {
        let mut object = self.by_key.get(key).cloned().unwrap_or_default();
        let there: BTreeMap<_, _> = leaves(&object.value).into_iter().collect();
        let mut conflicts = Vec::new();
        for (path, value) in leaves(wanted) {
            let by = object.setters.get(&path).filter(|by| *by != setter);
            match by {
                Some(by) if there.get(&path) != Some(&value) => conflicts.push((path, by.clone())),
                Some(_) => {}
                None => drop(object.setters.insert(path, setter.to_owned())),
            }
        }
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
        merge(&mut object.value, wanted);
        defaults(key, &mut object.value);
        Ok(object)
    }

    fn keep(&mut self, key: &Key, mut object: Object) {
        self.version += 1;
        object.value = numbered(object.value, self.get(key), self.version);
        self.by_key.insert(key.clone(), object);
    }
}

/// The version of its last change, and how often what is wanted of it has changed.
fn numbered(mut value: Value, before: Option<&Value>, version: u64) -> Value {
    if before == Some(&value) {
        return value;
    }
    let generation = before.map_or(0, |before| before["metadata"]["generation"].as_u64().unwrap_or(0));
    let is_new = before.is_none_or(|before| before["spec"] != value["spec"]);
    value["metadata"]["generation"] = json!(generation + u64::from(is_new));
    value["metadata"]["resourceVersion"] = json!(version.to_string());
    value
}

/// What the API fills in.
fn defaults(key: &Key, value: &mut Value) {
    value["metadata"]["namespace"] = json!(key.namespace);
    value["metadata"]["uid"] = json!(format!("uid-of-{}", key.name));
    match key.resource.as_str() {
        "statefulsets" => value["spec"]["updateStrategy"] = json!({"type": "RollingUpdate"}),
        "persistentvolumeclaims" if value["status"].is_null() => {
            value["status"] = json!({"phase": "Pending"})
        }
        _ => {}
    }
}

/// Maps are merged, lists of things with names by their names, `null` takes away, and all else is replaced.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => merge_maps(into, patch),
        (Value::Array(into), Value::Array(patch)) if patch.iter().all(|item| item["name"].is_string()) => {
            for item in patch {
                match into.iter_mut().find(|there| there["name"] == item["name"]) {
                    Some(there) => merge(there, item),
                    None => into.push(item.clone()),
                }
            }
        }
        (into, Value::Object(patch)) => {
            *into = json!({});
            merge_maps(into.as_object_mut().unwrap(), patch);
        }
        (into, patch) => *into = patch.clone(),
    }
}

fn merge_maps(into: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => drop(into.remove(name)),
            value => merge(into.entry(name).or_insert(Value::Null), value),
        }
    }
}

/// The fields that somebody sets, by their paths.
fn leaves(value: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for part in ["spec", "data"] {
        collect(&value[part], format!(".{part}"), &mut found);
    }
    for part in ["labels", "annotations"] {
        collect(&value["metadata"][part], format!(".metadata.{part}"), &mut found);
    }
    found
}

fn collect(value: &Value, path: String, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            map.iter().for_each(|(name, value)| collect(value, format!("{path}.{name}"), found))
        }
        Value::Array(items) if items.iter().all(|item| item["name"].is_string()) => {
            items.iter().for_each(|item| collect(item, format!("{path}[name={}]", item["name"]), found));
        }
        value => found.push((path, value.clone())),
    }
}
