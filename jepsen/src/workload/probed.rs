//! Steps that must not be repeated, and whose target can be asked: each takes effect in the middle of its life, so that
//! a death finds it before or after.

use super::{Session, World, plan};

/// A chain with a fork.
pub(crate) fn plans(world: &World) -> Vec<String> {
    let step = |name: &str, needs: &str, region: &str, busy_ms: u64| {
        let (command, probe) =
            (world.command("late", "P", busy_ms, &[]), world.command("probe", "P", 0, &[]));
        format!(
            "{{name: {name}, needs: [{needs}], region: {region}, idempotent: false, command: {command}, \
             probe: {{command: {probe}, timeout: 10s}}}}"
        )
    };
    let steps = [
        step("prepare", "", "north", 200),
        step("promote", "prepare", "west", 400),
        step("demote", "prepare", "east", 300),
        step("announce", "promote, demote", "west", 100),
    ];
    vec![plan("probed", "  onFailure: pause\n", &steps)]
}

pub(crate) async fn client(session: Session) {
    session.runs_of(&["probed"]).await;
}
