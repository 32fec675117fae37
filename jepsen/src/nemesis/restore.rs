//! All coordinators are lost with everything they had, and a new cluster begins from a backup (C06). What was acknowledged
//! after the backup may be gone, which is what a backup is; what must not be repeated is not repeated all the same.

use std::time::Duration;

use serde_json::json;

use super::membership::{operate, operate_at_last, take_in};
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::Role;
use crate::cluster::tree::Stage;

pub(crate) const CARDS: &[Card] = &[Card {
    name: "restore/cluster",
    nemesis: Nemesis::Restore,
    when: Trigger::Attempt(Stage::Executing),
    hold_ms: (1500, 2500),
    rows: &["C06"],
}];

/// How much happens after the backup, and is lost.
const LOST: Duration = Duration::from_millis(1500);

pub(crate) async fn install(site: &mut Site) -> anyhow::Result<Outcome> {
    let backup = site.logs.with_file_name(format!("backup-{}", site.recorder.now()));
    let backup = backup.display().to_string();
    site.note("backup", json!({}));
    operate(site, &["backup", &backup])?;
    tokio::time::sleep(LOST).await;
    let members = site.members();
    for name in &members {
        let node = site.cluster.node_mut(name);
        node.kill();
        std::fs::remove_dir_all(node.data_dir())?;
    }
    let node = site.cluster.node_mut(&members[0]);
    let Role::Member(old) = node.role else { unreachable!("it is a member") };
    let id = (old + members.len() as u64).to_string();
    let (data, region, address) =
        (node.data_dir().display().to_string(), node.region.clone(), node.address.clone());
    let target = ["--data-dir", &data, "--id", &id, "--region", &region, "--address", &address];
    super::membership::baton(&site.binary, &[&["restore", &backup][..], &target].concat())?;
    let node = site.cluster.node_mut(&members[0]);
    node.found_as(old + members.len() as u64);
    node.start()?;
    operate_at_last(site, &["status"]).await?;
    site.note("restored", json!({}));
    for name in &members[1..] {
        take_in(site, name, &address).await?;
    }
    Ok(Outcome::Installed(format!("{} of a backup, with {} new members", members[0], members.len() - 1)))
}
