//! Short runs, as many as go. Each is asked for twice at once under the same request id, and must be one run.

use std::time::Duration;

use super::session::of;
use super::{Session, World, plan};

/// One step that must not be repeated, and one that does nothing.
pub(crate) fn plans(world: &World) -> Vec<String> {
    let command = world.command("effect", "N", 0, &[]);
    let steps = [
        format!("{{name: only, region: east, idempotent: false, command: {command}}}"),
        "{name: after, needs: [only], noop: {}}".to_owned(),
    ];
    vec![plan("storm", "", &steps)]
}

pub(crate) async fn client(mut session: Session) {
    let mut twin = Session::new(session.world.clone(), session.random.fork(), session.number);
    while !session.is_over() {
        let origin = session.origin();
        let start = of("storm");
        futures::future::join(session.start(&start, &origin), twin.start(&start, &origin)).await;
        session.pause(Duration::from_millis(100)).await;
    }
}
