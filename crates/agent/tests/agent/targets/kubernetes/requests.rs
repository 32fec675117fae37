//! HTTP requests and what they are answered.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use serde_json::{Value, json};

use super::objects::{Conflict, Key};
use super::{World, discovery};

pub(super) struct Request {
    method: String,
    pub(super) path: String,
    query: BTreeMap<String, String>,
    kind: String,
    /// Who asks, when the request does not say otherwise.
    agent: String,
    body: Value,
}

pub(super) enum Answer {
    Whole {
        code: u16,
        body: Vec<u8>,
    },
    /// Changes of one object.
    Watch(Key),
}

impl Request {
    pub(super) fn read(from: &mut impl BufRead) -> io::Result<Request> {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        let query = query.map(|(name, value)| (name.to_owned(), value.replace("%3D", "="))).collect();
        let (method, path) = (method.to_owned(), path.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
        let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
        from.read_exact(&mut body)?;
        // An apply says that it is YAML, and kubectl writes JSON, which is YAML as well.
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let agent = header("user-agent").split('/').next().unwrap_or_default().to_owned();
        Ok(Request { method, path, query, kind: header("content-type"), agent, body })
    }

    fn setter(&self) -> &str {
        self.query.get("fieldManager").unwrap_or(&self.agent)
    }
}

pub(super) fn answer(request: &Request, world: &mut World) -> Answer {
    if let Some(body) = discovery::answer(&request.path) {
        return Answer::Whole { code: 200, body };
    }
    let place = request.path.split_once("/namespaces/").map_or("", |(_, place)| place);
    let place: Vec<_> = place.split('/').collect();
    match (request.method.as_str(), place.as_slice()) {
        ("GET", [namespace, resource]) => list(request, &Key::new(resource, namespace, ""), world),
        ("GET", [namespace, resource, name]) => found(&Key::new(resource, namespace, name), world),
        ("PATCH", [namespace, resource, name]) => patch(request, &Key::new(resource, namespace, name), world),
        ("PATCH", [namespace, resource, name, "scale"]) => {
            scale(request, &Key::new(resource, namespace, name), world)
        }
        _ => refused(404, "NotFound", "the server could not find the requested resource", json!({})),
    }
}

fn found(key: &Key, world: &World) -> Answer {
    match world.objects.get(key) {
        Some(object) => whole(200, object),
        None => refused(404, "NotFound", &format!("{} \"{}\" not found", key.resource, key.name), json!({})),
    }
}

/// kubectl lists and watches single objects only, by their names.
fn list(request: &Request, of: &Key, world: &World) -> Answer {
    let selected =
        request.query.get("fieldSelector").and_then(|fields| fields.strip_prefix("metadata.name="));
    let Some(name) = selected else {
        return refused(400, "BadRequest", "this API lists single objects only", json!({}));
    };
    let key = Key { name: name.to_owned(), ..of.clone() };
    if request.query.get("watch").is_some_and(|watch| watch == "true") {
        return Answer::Watch(key);
    }
    let items: Vec<_> = world.objects.get(&key).into_iter().collect();
    let version = items.first().map_or(&json!("1"), |item| &item["metadata"]["resourceVersion"]).clone();
    let kind =
        items.first().map_or(String::new(), |item| item["kind"].as_str().unwrap_or_default().to_owned());
    let api = items.first().map_or(Value::Null, |item| item["apiVersion"].clone());
    whole(
        200,
        &json!({"apiVersion": api, "kind": kind + "List", "metadata": {"resourceVersion": version}, "items": items}),
    )
}

fn patch(request: &Request, key: &Key, world: &mut World) -> Answer {
    let is_new = world.objects.get(key).is_none();
    if request.kind.starts_with("application/apply-patch") {
        if request.query.contains_key("dryRun") {
            return match world.objects.dry_run(key, &request.body, request.setter()) {
                Ok(object) => whole(200, &object),
                Err(conflicts) => conflict(&conflicts),
            };
        }
        if let Err(conflicts) = world.objects.apply(key, &request.body, request.setter()) {
            return conflict(&conflicts);
        }
        return whole(if is_new { 201 } else { 200 }, &world.objects.get(key).cloned().unwrap_or_default());
    }
    match request.kind.as_str() {
        "application/merge-patch+json" if !is_new => {
            world.objects.merge(key, &request.body, request.setter());
            found(key, world)
        }
        "application/merge-patch+json" => found(key, world),
        other => refused(415, "UnsupportedMediaType", &format!("no patches of {other}"), json!({})),
    }
}

fn scale(request: &Request, key: &Key, world: &mut World) -> Answer {
    if world.objects.get(key).is_none() {
        return found(key, world);
    }
    world.objects.merge(
        key,
        &json!({"spec": {"replicas": request.body["spec"]["replicas"]}}),
        request.setter(),
    );
    let object = world.objects.get(key).cloned().unwrap_or_default();
    whole(
        200,
        &json!({
            "apiVersion": "autoscaling/v1", "kind": "Scale",
            "metadata": {"name": key.name, "namespace": key.namespace},
            "spec": {"replicas": object["spec"]["replicas"]},
            "status": {"replicas": object["status"]["readyReplicas"].as_u64().unwrap_or(0)},
        }),
    )
}

fn conflict(conflicts: &[Conflict]) -> Answer {
    let told = |(field, by): &Conflict| format!("conflict with \"{by}\": {field}");
    let causes: Vec<_> = conflicts
        .iter()
        .map(|one| json!({"reason": "FieldManagerConflict", "message": told(one), "field": one.0}))
        .collect();
    let all: Vec<_> = conflicts.iter().map(told).collect();
    let count = conflicts.len();
    let message = format!("Apply failed with {count} conflict: {}", all.join(", "));
    refused(409, "Conflict", &message, json!({"causes": causes}))
}

fn whole(code: u16, body: &Value) -> Answer {
    Answer::Whole { code, body: body.to_string().into_bytes() }
}

fn refused(code: u16, reason: &str, message: &str, details: Value) -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "reason": reason, "message": message, "details": details, "code": code,
    });
    whole(code, &status)
}
