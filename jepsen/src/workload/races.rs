//! Several people decide about the same run at once: the log's order decides, exactly one wins, and the others are told.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use baton_client::{Choice, Decision};

use super::{Session, World, plan};

/// The run that everybody looks at.
static NEWEST: Mutex<Option<String>> = Mutex::new(None);

/// An approval, and an effect that must not happen without.
pub(crate) fn plans(world: &World) -> Vec<String> {
    let command = world.command("effect", "N", 100, &[]);
    let steps = [
        "{name: go, approval: {message: Go on?}}".to_owned(),
        format!("{{name: act, needs: [go], region: west, idempotent: false, command: {command}}}"),
    ];
    vec![plan("races", "", &steps)]
}

pub(crate) async fn client(mut session: Session) {
    while !session.is_over() {
        if session.number == 0 {
            let run = session.start_plan("races").await;
            *NEWEST.lock().unwrap_or_else(PoisonError::into_inner) = run;
        }
        for _ in 0..4 {
            let run = NEWEST.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Some(run) = run else { break };
            decide_something(&mut session, &run).await;
            let pause = session.random.u64(5..120);
            session.pause(Duration::from_millis(pause)).await;
        }
        let pause = session.random.u64(50..300);
        session.pause(Duration::from_millis(pause)).await;
    }
}

async fn decide_something(session: &mut Session, run: &str) {
    let go = |choice| Decision::Step { step: "go".into(), choice };
    let (decision, word, step) = match session.random.u8(..10) {
        0..=2 => (go(Choice::Approve), "approve", Some("go")),
        3 => (go(Choice::Decline), "decline", Some("go")),
        4 => (Decision::Cancel { undo: false }, "cancel", None),
        5..=6 => (Decision::Pause, "pause", None),
        7..=8 => (Decision::Resume, "resume", None),
        _ => {
            session.read(run).await;
            return;
        }
    };
    session.decide(run, &decision, word, step).await;
}
