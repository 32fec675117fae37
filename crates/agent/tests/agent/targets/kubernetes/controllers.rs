//! The cluster's controllers, each step of theirs one pod or one claim.

use serde_json::{Value, json};

use super::World;
use super::objects::Key;

const CONTROLLER: &str = "controller";

impl World {
    /// Every controller takes one step.
    pub(super) fn step(&mut self) {
        for key in self.objects.keys("deployments") {
            self.step_deployment(&key);
        }
        for key in self.objects.keys("statefulsets") {
            self.step_set(&key);
        }
        for key in self.objects.keys("persistentvolumeclaims") {
            self.bind(&key);
        }
    }

    fn step_deployment(&mut self, key: &Key) {
        let object = self.objects.get(key).cloned().unwrap_or_default();
        let counts = match observe(&object) {
            Observed::New => json!({"updatedReplicas": 0}),
            Observed::Counts { ready, updated, wanted } => {
                let nearer = |count: u64| if count < wanted { count + 1 } else { wanted };
                let (ready, updated) = (nearer(ready), nearer(updated));
                json!({"readyReplicas": ready, "availableReplicas": ready, "updatedReplicas": updated})
            }
        };
        self.tell(key, &object, counts);
    }

    /// One pod after the other, each when the one before is ready and its claims are bound.
    fn step_set(&mut self, key: &Key) {
        let object = self.objects.get(key).cloned().unwrap_or_default();
        let revision = format!("{}-{}", key.name, object["metadata"]["generation"]);
        let counts = match observe(&object) {
            Observed::New => json!({"updatedReplicas": 0, "updateRevision": revision}),
            Observed::Counts { ready, wanted, .. } if ready < wanted => match self.claim(key, &object, ready)
            {
                true => {
                    self.ready.push(format!("{}-{ready}", key.name));
                    json!({"readyReplicas": ready + 1})
                }
                false => json!({}),
            },
            Observed::Counts { wanted, updated, .. } if updated < wanted => {
                json!({"updatedReplicas": updated + 1})
            }
            Observed::Counts { wanted, .. } => {
                json!({"readyReplicas": wanted, "currentRevision": object["status"]["updateRevision"]})
            }
        };
        self.tell(key, &object, counts);
    }

    fn tell(&mut self, key: &Key, object: &Value, mut counts: Value) {
        counts["observedGeneration"] = object["metadata"]["generation"].clone();
        counts["replicas"] = object["spec"]["replicas"].clone();
        self.objects.merge(key, &json!({"status": counts}), CONTROLLER);
    }

    /// Claims what a pod of a set needs, and says whether it is bound.
    fn claim(&mut self, set: &Key, object: &Value, ordinal: u64) -> bool {
        let templates = object["spec"]["volumeClaimTemplates"].as_array().cloned().unwrap_or_default();
        let mut is_bound = true;
        for template in templates {
            let name = format!("{}-{}-{ordinal}", template["metadata"]["name"].as_str().unwrap(), set.name);
            let key = Key::new("persistentvolumeclaims", &set.namespace, &name);
            if self.objects.get(&key).is_none() {
                let claim = json!({
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
                    "spec": template["spec"], "status": {"phase": "Pending"},
                });
                self.objects.merge(&key, &claim, CONTROLLER);
            }
            is_bound &= self.objects.get(&key).is_some_and(|claim| claim["status"]["phase"] == "Bound");
        }
        is_bound
    }

    fn bind(&mut self, key: &Key) {
        let is_pending = self.objects.get(key).is_some_and(|claim| claim["status"]["phase"] == "Pending");
        if is_pending && self.volumes > 0 {
            self.volumes -= 1;
            self.objects.merge(key, &json!({"status": {"phase": "Bound"}}), CONTROLLER);
        }
    }
}

enum Observed {
    /// What is wanted has changed since.
    New,
    Counts {
        ready: u64,
        updated: u64,
        wanted: u64,
    },
}

fn observe(object: &Value) -> Observed {
    let status = |name: &str| object["status"][name].as_u64().unwrap_or(0);
    if status("observedGeneration") != object["metadata"]["generation"].as_u64().unwrap_or(0) {
        return Observed::New;
    }
    let wanted = object["spec"]["replicas"].as_u64().unwrap_or(1);
    Observed::Counts { ready: status("readyReplicas"), updated: status("updatedReplicas"), wanted }
}
