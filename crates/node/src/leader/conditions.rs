//! The expressions of steps (`when`, `gate`, `success`), evaluated outside of apply: only the value goes into the log.

use std::collections::HashSet;
use std::time::Duration;

use baton_engine::command::Subject;
use baton_engine::{Command, Evaluation};
use tokio::task::JoinSet;

use crate::apart::{apart, has_threads};
use crate::leader::office::TRY_AGAIN;
use crate::leader::propose::{ProposeError, Proposer};
use crate::raft::Cluster;

/// Which expression of which step of which run.
type Question = (String, String, Subject);

fn question(evaluation: &Evaluation) -> Question {
    (evaluation.run.clone(), evaluation.step.clone(), evaluation.subject)
}

/// Evaluates the expressions that steps wait for, each on a thread of its own.
pub(super) async fn evaluate(proposer: &Proposer, cluster: &Cluster) {
    let mut applied = cluster.machine().applied();
    let mut under_way: HashSet<Question> = HashSet::new();
    let mut answered = JoinSet::new();
    loop {
        applied.borrow_and_update();
        for evaluation in cluster.machine().read(|state| state.evaluations()) {
            if under_way.insert(question(&evaluation)) {
                answered.spawn(evaluate_one(proposer.clone(), evaluation));
            }
        }
        tokio::select! {
            changed = applied.changed() => if changed.is_err() { return },
            // Once its answer is applied, a question may be asked anew: a gate is, when it is tried again.
            Some(Ok(Some(question))) = answered.join_next() => drop(under_way.remove(&question)),
        }
    }
}

/// The question, once its answer is applied; `None` when this coordinator leads no longer.
async fn evaluate_one(proposer: Proposer, evaluation: Evaluation) -> Option<Question> {
    let question = question(&evaluation);
    let Evaluation { run, step, subject, expression, facts } = evaluation;
    let result = apart(move || evaluate_apart(expression, facts)).await;
    let result = result.unwrap_or_else(|_| Err("its evaluation was cut off".into()));
    let command = Command::Evaluate { run, step, subject, result };
    loop {
        match proposer.propose(command.clone()).await {
            Err(ProposeError::Unknown(_)) => tokio::time::sleep(TRY_AGAIN).await,
            Err(ProposeError::NotLeader) => return None,
            Ok(_) | Err(ProposeError::Rejected(_)) => return Some(question),
        }
    }
}

/// With a deadline: an expression must not hold up the leader.
fn evaluate_apart(
    expression: baton_plan::expression::Expression,
    facts: baton_plan::expression::Facts,
) -> Result<bool, String> {
    if !has_threads() {
        return expression.evaluate(&facts);
    }
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
