//! Runs whose last step fails, so that everything is undone in reverse order of the graph.

use super::{Session, World, plan};

/// Undos of every class: idempotent, probed, and neither.
pub(crate) fn plans(world: &World) -> Vec<String> {
    let undo = |kind: &str, busy_ms: u64| {
        let effect = |class| world.command("effect", class, busy_ms, &[]);
        let (late, probe) = (world.command("late", "P", busy_ms, &[]), world.command("probe", "P", 0, &[]));
        match kind {
            "again" => format!("{{command: {}, idempotent: true}}", effect("I")),
            "probed" => {
                format!("{{command: {late}, idempotent: false, probe: {{command: {probe}, timeout: 10s}}}}")
            }
            _ => format!("{{command: {}, idempotent: false}}", effect("N")),
        }
    };
    let step = |name: &str, needs: &str, region: &str, kind: &str| {
        let (command, undo) = (world.command("effect", "N", 120, &[]), undo(kind, 200));
        format!(
            "{{name: {name}, needs: [{needs}], region: {region}, idempotent: false, command: {command}, undo: {undo}}}"
        )
    };
    let fails = world.command("effect", "N", 0, &["--exit", "3"]);
    let steps = [
        step("base", "", "east", "once"),
        step("left", "base", "west", "probed"),
        step("right", "base", "north", "again"),
        step("top", "left, right", "west", "once"),
        format!("{{name: fails, needs: [top], region: north, idempotent: false, command: {fails}}}"),
    ];
    vec![plan("undo", "  onFailure: undo\n", &steps)]
}

pub(crate) async fn client(session: Session) {
    session.runs_of(&["undo"]).await;
}
