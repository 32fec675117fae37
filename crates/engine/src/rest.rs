//! Runs at rest: they have ended and nothing of them is under way, so nothing but a command that names one can move it.
//! Such a run need not be in the state. Whoever holds the state may take it out and keep it elsewhere, and puts it
//! back before a batch is applied that names it; what the batch leads to is the same (the simulator's law `replay`
//! holds one state of each kind beside the other).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::command::{AttemptKey, Batch, Command};
use crate::run::Run;
use crate::state::State;

impl State {
    /// Runs that a batch names and that are not here: to be put back before it is applied, where they are kept.
    pub fn absent<'a>(&self, batch: &'a Batch) -> BTreeSet<&'a str> {
        let named = batch.commands.iter().flat_map(named);
        named.filter(|id| !self.runs.contains_key(*id)).collect()
    }

    /// A run that was taken out.
    pub fn put_back(&mut self, run: Arc<Run>) {
        self.by_start.insert(run.number, run.id.clone());
        self.runs.insert(run.id.clone(), run);
    }

    /// Those at rest of the runs that a batch, which was just applied, has named or changed.
    pub fn came_to_rest(&self, batch: &Batch) -> Vec<Arc<Run>> {
        let mut ids: BTreeSet<&str> = batch.commands.iter().flat_map(named).collect();
        ids.extend(self.touched.0.iter().map(String::as_str));
        let runs = ids.into_iter().filter_map(|id| self.runs.get(id));
        runs.filter(|run| self.is_at_rest(run)).cloned().collect()
    }

    /// All that are here and at rest, in the order of their starts.
    pub fn at_rest(&self) -> Vec<Arc<Run>> {
        let runs = self.by_start.values().map(|id| &self.runs[id]);
        runs.filter(|run| self.is_at_rest(run)).cloned().collect()
    }

    /// Takes a run out that is at rest and is kept elsewhere.
    pub fn take_out(&mut self, run: &Run) {
        debug_assert!(self.is_at_rest(run));
        self.by_start.remove(&run.number);
        self.runs.remove(&run.id);
    }

    /// It has ended, nothing of it hangs on an answer, and no agent holds anything for it.
    pub fn is_at_rest(&self, run: &Run) -> bool {
        let asked = run.steps.iter().filter_map(|step| step.question.as_ref());
        let attempts = run.steps.iter().flat_map(|step| &step.attempts);
        let mut held = attempts.map(|attempt| (&attempt.speaker.agent, attempt.token));
        let mut asked = asked.map(|question| (&question.speaker.agent, question.token));
        let is_held = |(agent, token): (&String, u64)| {
            self.agents.by_name.get(agent).is_some_and(|agent| agent.open.contains_key(&token))
        };
        run.status.has_ended()
            && run.open.is_empty()
            && run.undoing.is_empty()
            && !self.active.contains(&run.id)
            && !held.any(is_held)
            && !asked.any(is_held)
    }
}

/// The runs that a command names.
fn named(command: &Command) -> Vec<&str> {
    match command {
        Command::Decide { run, .. } | Command::Evaluate { run, .. } => vec![run],
        Command::Begin { key, .. } | Command::Report { key, .. } | Command::AnswerProbe { key, .. } => {
            vec![&key.run]
        }
        Command::Recount { held, over, .. } => keys(held).chain(keys(over)).collect(),
        Command::TakeOffice { .. }
        | Command::RegisterPlan { .. }
        | Command::RegisterTemplate { .. }
        | Command::StartRun { .. }
        | Command::DeclareLost { .. }
        | Command::RestoreRegion { .. }
        | Command::SetCapacity { .. }
        | Command::JoinAgent(_)
        | Command::ExpireAgent { .. }
        | Command::Tick
        | Command::BeginEpoch { .. }
        | Command::RetireMember { .. }
        | Command::PreferRegion { .. } => Vec::new(),
    }
}

fn keys(keys: &[AttemptKey]) -> impl Iterator<Item = &str> {
    keys.iter().map(|key| key.run.as_str())
}
