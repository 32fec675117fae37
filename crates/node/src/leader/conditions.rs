//! The conditions of steps (`when`), evaluated outside of apply: only the value goes into the log.

use std::collections::BTreeSet;
use std::time::Duration;

use baton_engine::{Command, Evaluation};

use crate::leader::office::TRY_AGAIN;
use crate::leader::propose::{ProposeError, Proposer};
use crate::raft::Cluster;

/// Evaluates the conditions that steps wait for, each on a thread of its own.
pub(super) async fn evaluate(proposer: &Proposer, cluster: &Cluster) {
    let mut applied = cluster.machine().applied();
    let mut begun: BTreeSet<(String, String)> = BTreeSet::new();
    loop {
        applied.borrow_and_update();
        let waiting = cluster.machine().read(|state| state.evaluations());
        let wanted: BTreeSet<_> = waiting.iter().map(|one| (one.run.clone(), one.step.clone())).collect();
        begun.retain(|one| wanted.contains(one));
        for evaluation in waiting {
            if begun.insert((evaluation.run.clone(), evaluation.step.clone())) {
                tokio::spawn(evaluate_one(proposer.clone(), evaluation));
            }
        }
        if applied.changed().await.is_err() {
            return;
        }
    }
}

async fn evaluate_one(proposer: Proposer, evaluation: Evaluation) {
    let Evaluation { run, step, expression, facts } = evaluation;
    let result = tokio::task::spawn_blocking(move || evaluate_apart(expression, facts)).await;
    let result = result.unwrap_or_else(|_| Err("its evaluation was cut off".into()));
    while let Err(ProposeError::Unknown(_)) = {
        let (run, step, result) = (run.clone(), step.clone(), result.clone());
        proposer.propose(Command::Evaluate { run, step, result }).await
    } {
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

/// With a deadline: an expression must not hold up the leader.
fn evaluate_apart(
    expression: baton_plan::expression::Expression,
    facts: baton_plan::expression::Facts,
) -> Result<bool, String> {
    let (answer, answered) = std::sync::mpsc::channel();
    let evaluate = move || {
        // Nobody listens any more once the deadline has passed.
        let _ = answer.send(expression.evaluate(&facts));
    };
    let spawned = std::thread::Builder::new().name("condition".into()).spawn(evaluate);
    spawned.map_err(|error| format!("no thread could be started for it: {error}"))?;
    let waited = answered.recv_timeout(Duration::from_secs(2));
    waited.unwrap_or_else(|_| Err("it took longer than 2 s".into()))
}
