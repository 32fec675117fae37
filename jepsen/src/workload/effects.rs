//! Runs of steps that must not be repeated, beside some that may, in a graph across all regions.

use super::{Session, World, plan};

/// Four steps without a probe, in two shapes.
pub(crate) fn plans(world: &World) -> Vec<String> {
    let step = |name: &str, needs: &str, region: &str, idempotent: bool, busy_ms: u64| {
        let command = world.command("effect", if idempotent { "I" } else { "N" }, busy_ms, &[]);
        format!(
            "{{name: {name}, needs: [{needs}], region: {region}, idempotent: {idempotent}, command: {command}}}"
        )
    };
    let diamond = [
        step("first", "", "east", false, 150),
        step("left", "first", "west", false, 400),
        step("right", "first", "north", false, 250),
        step("copy", "first", "east", true, 200),
        step("last", "left, right, copy", "west", false, 80),
    ];
    let wide = [
        step("east", "", "east", false, 500),
        step("west", "", "west", false, 350),
        step("north", "", "north", false, 200),
        step("again", "", "west", true, 100),
        step("join", "east, west, north, again", "north", false, 50),
    ];
    vec![
        plan("effects-diamond", "  onFailure: continue\n", &diamond),
        plan("effects-wide", "  onFailure: continue\n", &wide),
    ]
}

pub(crate) async fn client(session: Session) {
    session.runs_of(&["effects-diamond", "effects-wide"]).await;
}
