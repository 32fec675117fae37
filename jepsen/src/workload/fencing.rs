//! One target that remembers the largest token it has seen and refuses a smaller one, and runs in two regions that change
//! it in turn, under a lock.

use super::session::of;
use super::{Session, World, plan};

/// Fenced steps in both regions.
pub(crate) fn plans(world: &World) -> Vec<String> {
    let command = world.command("fenced", "I", 60, &["--subject", "fenced-pointer"]);
    let step = |name: &str, needs: &str, region: &str| {
        format!(
            "{{name: {name}, needs: [{needs}], region: {region}, idempotent: true, fenced: true, locks: [pointer], \
             retry: {{attempts: 3, backoff: 200ms}}, command: {command}}}"
        )
    };
    let steps = [step("there", "", "east"), step("back", "there", "west"), step("again", "back", "north")];
    vec![plan("fencing", "  onFailure: continue\n", &steps)]
}

pub(crate) async fn client(mut session: Session) {
    while !session.is_over() {
        let origin = session.origin();
        match session.start(&of("fencing"), &origin).await {
            Some(run) => session.follow(&run).await,
            None => session.pause(std::time::Duration::from_millis(150)).await,
        }
    }
}
