//! The leadership moves, and members leave and come back, under fire. A binary that has no such command skips it.

use std::process::{Command, Stdio};

use super::{Card, Nemesis, Outcome, Site, Trigger};

const fn card(name: &'static str) -> Card {
    Card { name, nemesis: Nemesis::Membership, when: Trigger::Starting, hold_ms: (300, 900), rows: &[] }
}

pub(crate) const CARDS: &[Card] = &[card("membership/transfer-leader")];

pub(crate) async fn install(site: &mut Site, _card: &Card) -> anyhow::Result<Outcome> {
    let mut command = Command::new(&site.binary);
    command.args(["cluster", "transfer-leader", "--servers", &site.cluster.servers().join(",")]);
    let output = command.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    match output.status.code() {
        Some(0) => Ok(Outcome::Installed("the leadership".into())),
        Some(2) => Ok(Outcome::Skipped("this binary cannot transfer the leadership".into())),
        _ => Ok(Outcome::Indeterminate(said)),
    }
}
