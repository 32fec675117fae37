//! Plans and runs as registers. A plan's newest version is a register whose writes are all different; a run's status is
//! one that people pause, resume and cancel. Both are read in between, and each must behave as one copy does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use baton_client::Decision;
use baton_client::view::{Plan, Registered};
use serde_json::json;

use super::{Session, plan};

/// Registers before a new one is taken: a search for a legal order wants few operations on each.
const OPS_PER_KEY: u64 = 120;

static WRITTEN: AtomicU64 = AtomicU64::new(0);
static ASKED: AtomicU64 = AtomicU64::new(0);
static RUN: tokio::sync::Mutex<(u64, Option<String>)> = tokio::sync::Mutex::const_new((0, None));

/// The plan whose runs are the registers: it waits for a person, so nothing else moves it.
pub(crate) fn plans() -> Vec<String> {
    vec![plan("register-run", "", &["{name: go, approval: {message: Go on?}}".to_owned()])]
}

pub(crate) async fn client(mut session: Session) {
    while !session.is_over() {
        if session.random.bool() {
            on_plan(&mut session).await;
        } else {
            on_run(&mut session).await;
        }
        let pause = session.random.u64(5..40);
        session.pause(Duration::from_millis(pause)).await;
    }
}

async fn on_plan(session: &mut Session) {
    let key = format!("register-{}", ASKED.fetch_add(1, Ordering::Relaxed) / OPS_PER_KEY);
    let client = session.client();
    if session.random.bool() {
        let value = WRITTEN.fetch_add(1, Ordering::Relaxed) + 1;
        let (text, origin) = (text(&key, value), session.origin());
        let answer = |made: &Registered| json!({"version": made.plan_version, "revision": made.revision});
        session
            .ask("write", json!({"key": key, "value": value}), client.register_plan(&text, &origin), answer)
            .await;
    } else {
        let read = |plan: &Plan| json!({"value": value_in(&plan.source), "version": plan.summary.plan_version, "revision": plan.revision});
        session.ask("read-plan", json!({"key": key}), client.get_plan(&key, None, false), read).await;
    }
}

fn text(key: &str, value: u64) -> String {
    format!(
        "apiVersion: baton/v1\nkind: Plan\nmetadata: {{name: {key}, description: \"value={value};\"}}\nspec: {{steps: [{{name: a, noop: {{}}}}]}}\n"
    )
}

fn value_in(source: &str) -> Option<u64> {
    source.split_once("value=")?.1.split_once(';')?.0.parse().ok()
}

async fn on_run(session: &mut Session) {
    let Some(run) = current(session).await else { return };
    let (decision, word) = match session.random.u8(..12) {
        0..=2 => (Decision::Pause, "pause"),
        3..=5 => (Decision::Resume, "resume"),
        6 if session.random.u8(..6) == 0 => (Decision::Cancel { undo: false }, "cancel"),
        _ => {
            session.read(&run).await;
            return;
        }
    };
    session.decide(&run, &decision, word, None).await;
}

/// The run of the moment; every so often a new one.
async fn current(session: &mut Session) -> Option<String> {
    let mut current = RUN.lock().await;
    current.0 += 1;
    if current.0.is_multiple_of(OPS_PER_KEY) || current.1.is_none() {
        current.1 = session.start_plan("register-run").await;
    }
    current.1.clone()
}
