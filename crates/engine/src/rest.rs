//! Runs at rest: they have ended and nothing of them is under way, so nothing but a command that names one can move it.
//! Such a run need not be in the state. Whoever holds the state may take it out and keep it elsewhere, and puts it
//! back before a batch is applied that names it; what the batch leads to is the same (the simulator's law `replay`
//! holds one state of each kind beside the other).

use std::collections::{BTreeMap, BTreeSet};
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
        let touched = self.touched.0.iter().map(String::as_str);
        let runs = batch.commands.iter().flat_map(named).chain(touched).filter_map(|id| self.runs.get(id));
        let at_rest = runs.filter(|run| self.is_at_rest(run)).map(|run| (&run.id, run));
        BTreeMap::from_iter(at_rest).into_values().cloned().collect()
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
fn named(command: &Command) -> impl Iterator<Item = &str> {
    let (one, held, over): (_, &[AttemptKey], &[AttemptKey]) = match command {
        Command::Decide { run, .. } | Command::Evaluate { run, .. } => (Some(run), &[], &[]),
        Command::Begin { key, .. } | Command::Report { key, .. } | Command::AnswerProbe { key, .. } => {
            (Some(&key.run), &[], &[])
        }
        Command::Recount { held, over, .. } => (None, held, over),
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
        | Command::PreferRegion { .. } => (None, &[], &[]),
    };
    one.into_iter().chain(held.iter().chain(over).map(|key| &key.run)).map(String::as_str)
}
