//! A lock that runs wait for, and a resource of two units that the steps of all runs draw on. The targets notice who
//! holds what, and from when to when.

use super::session::of;
use super::{Session, World, plan};

/// The resource's capacity.
pub(crate) const CAPACITY: usize = 2;

/// One plan with a lock, and one whose steps draw.
pub(crate) fn plans(world: &World) -> Vec<String> {
    let hold = |subject: &str, busy_ms: u64| world.command("hold", "N", busy_ms, &["--subject", subject]);
    let step = |name: &str, region: &str, more: &str, command: String| {
        format!("{{name: {name}, region: {region}, idempotent: false, {more}command: {command}}}")
    };
    let locked = [
        step("inside", "east", "", hold("lock-site", 150)),
        step("too", "west", "needs: [inside], ", hold("lock-site", 100)),
    ];
    let draws = |name: &str, region: &str| step(name, region, "draws: {io: 1}, ", hold("resource-io", 250));
    let drawing =
        [draws("one", "east"), draws("two", "west"), draws("three", "north"), draws("four", "west")];
    vec![
        plan("limits-lock", "  onFailure: continue\n  locks: [site]\n", &locked),
        plan("limits-draw", &format!("  onFailure: continue\n  resources: {{io: {CAPACITY}}}\n"), &drawing),
    ]
}

pub(crate) async fn client(mut session: Session) {
    while !session.is_over() {
        let plan = if session.random.bool() { "limits-lock" } else { "limits-draw" };
        let origin = session.origin();
        let start = baton_client::Start { queue: true, ..of(plan) };
        match session.start(&start, &origin).await {
            Some(run) => session.follow(&run).await,
            None => session.pause(std::time::Duration::from_millis(150)).await,
        }
    }
}
