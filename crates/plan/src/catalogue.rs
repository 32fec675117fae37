//! The step templates that come with the binary.

use std::sync::LazyLock;

use crate::check::step_template;
use crate::template::{Catalogue, StepTemplate};

/// Every file of the folder `catalogue`.
const FILES: [&str; 32] = [
    include_str!("../catalogue/ansible-playbook.yaml"),
    include_str!("../catalogue/aws-backup-restore.yaml"),
    include_str!("../catalogue/azure-site-recovery-failover.yaml"),
    include_str!("../catalogue/chef-converge.yaml"),
    include_str!("../catalogue/dns-shift.yaml"),
    include_str!("../catalogue/dns-verify.yaml"),
    include_str!("../catalogue/haproxy-drain.yaml"),
    include_str!("../catalogue/haproxy-maint.yaml"),
    include_str!("../catalogue/haproxy-ready.yaml"),
    include_str!("../catalogue/haproxy-wait-up.yaml"),
    include_str!("../catalogue/kubernetes-apply.yaml"),
    include_str!("../catalogue/kubernetes-pvc-bound.yaml"),
    include_str!("../catalogue/kubernetes-scale.yaml"),
    include_str!("../catalogue/kubernetes-statefulset-ready.yaml"),
    include_str!("../catalogue/notify-chat.yaml"),
    include_str!("../catalogue/notify-status-page.yaml"),
    include_str!("../catalogue/notify-webhook.yaml"),
    include_str!("../catalogue/pgbackrest-backup.yaml"),
    include_str!("../catalogue/pgbackrest-check.yaml"),
    include_str!("../catalogue/pgbackrest-restore.yaml"),
    include_str!("../catalogue/postgres-checkpoint.yaml"),
    include_str!("../catalogue/postgres-fence.yaml"),
    include_str!("../catalogue/postgres-lag.yaml"),
    include_str!("../catalogue/postgres-promote.yaml"),
    include_str!("../catalogue/postgres-rewind.yaml"),
    include_str!("../catalogue/postgres-start-standby.yaml"),
    include_str!("../catalogue/postgres-verify-write.yaml"),
    include_str!("../catalogue/postgres-wait-streaming.yaml"),
    include_str!("../catalogue/rman-restore.yaml"),
    include_str!("../catalogue/systemd-restart.yaml"),
    include_str!("../catalogue/terraform-apply.yaml"),
    include_str!("../catalogue/write-file.yaml"),
];

static SHIPPED: LazyLock<Shipped> = LazyLock::new(|| {
    let templates = FILES.iter().filter_map(|source| Some((step_template(source).ok()?, *source)));
    Shipped(templates.collect())
});

/// The step templates that come with the binary, all of version 0.
pub fn builtin() -> &'static dyn Catalogue {
    &*SHIPPED
}

/// The file of a step template that came with the binary.
pub fn builtin_source(name: &str) -> Option<&'static str> {
    SHIPPED.0.iter().find(|(template, _)| template.name == name).map(|(_, source)| *source)
}

/// Each with its file.
struct Shipped(Vec<(StepTemplate, &'static str)>);

impl Catalogue for Shipped {
    fn find(&self, name: &str, version: Option<u32>) -> Option<(u32, StepTemplate)> {
        let found = self.0.iter().map(|(template, _)| template).find(|template| template.name == name)?;
        version.is_none_or(|version| version == 0).then(|| (0, found.clone()))
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(template, _)| template.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_a_step_template() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), FILES.len());
        let told = |problems: Vec<crate::Problem>| format!("{problems:#?}");
        let wrong: Vec<_> = FILES.iter().filter_map(|source| step_template(source).err().map(told)).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        for source in FILES {
            let name = step_template(source).unwrap().name;
            // Each file begins with its page.
            let page: Vec<_> = source.lines().take_while(|line| line.starts_with('#')).collect();
            for word in ["Idempotent:", "Probe:", "Undo:", "Traps:", "Tested:"] {
                let says = page.iter().any(|line| line.trim_start_matches("# ").starts_with(word));
                assert!(says, "{name} does not say `{word}`");
            }
        }
        assert!(builtin().names().is_sorted());
        assert!(builtin().find("write-file", Some(0)).is_some());
        assert!(builtin().find("write-file", Some(1)).is_none());
        assert_eq!(builtin_source("write-file"), FILES.last().copied());
        assert_eq!(builtin_source("other"), None);
    }
}
