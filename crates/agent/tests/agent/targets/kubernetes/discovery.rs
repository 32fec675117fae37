//! What kubectl asks before anything else: which resources there are, and whether they can be tried without effect.

use serde_json::{Value, json};

const CORE: [(&str, &str); 1] = [("persistentvolumeclaims", "PersistentVolumeClaim")];
const APPS: [(&str, &str); 2] = [("deployments", "Deployment"), ("statefulsets", "StatefulSet")];

pub(super) fn answer(path: &str) -> Option<Vec<u8>> {
    let apps = json!({"groupVersion": "apps/v1", "version": "v1"});
    let answer = match path {
        "/version" => json!({"major": "1", "minor": "32", "gitVersion": "v1.32.0"}),
        "/api" => json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        "/apis" => json!({
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": [{"name": "apps", "versions": [apps], "preferredVersion": apps}],
        }),
        "/api/v1" => resources("v1", &CORE),
        "/apis/apps/v1" => resources("apps/v1", &APPS),
        "/openapi/v2" => return Some(openapi()),
        _ => return None,
    };
    Some(answer.to_string().into_bytes())
}

fn resources(group: &str, kinds: &[(&str, &str)]) -> Value {
    let verbs = ["get", "list", "watch", "patch"];
    let plain = kinds.iter().map(|(name, kind)| {
        json!({"name": name, "singularName": name.trim_end_matches('s'), "namespaced": true, "kind": kind, "verbs": verbs})
    });
    let scales = kinds.iter().filter(|_| group == "apps/v1").map(|(name, _)| {
        json!({
            "name": format!("{name}/scale"), "singularName": "", "namespaced": true,
            "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": verbs,
        })
    });
    let all: Vec<_> = plain.chain(scales).collect();
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": all})
}

/// A document of OpenAPI 2 as a protocol buffer, which is the only form that kubectl reads: each kind can be patched with
/// `dryRun`. Without a schema nothing is validated by kubectl.
fn openapi() -> Vec<u8> {
    let mut paths = Vec::new();
    for (group, kinds) in [("", &CORE[..]), ("apps", &APPS[..])] {
        for (name, kind) in kinds {
            let meant = format!("{{\"group\": \"{group}\", \"version\": \"v1\", \"kind\": \"{kind}\"}}");
            let dry_run = field(1, &field(2, &field(3, &field(4, b"dryRun"))));
            let extension =
                [field(1, b"x-kubernetes-group-version-kind"), field(2, &field(2, meant.as_bytes()))]
                    .concat();
            let operation = [field(8, &dry_run), field(13, &extension)].concat();
            paths.extend(field(2, &[field(1, name.as_bytes()), field(2, &field(8, &operation))].concat()));
        }
    }
    [field(1, b"2.0"), field(8, &paths)].concat()
}

/// A field of a protocol buffer: its number, its length, its bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 127 {
        field.push(length as u8 & 127 | 128);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend(bytes);
    field
}
