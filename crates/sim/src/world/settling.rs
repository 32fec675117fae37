//! After the faults: the world heals, then people decide by what the target says, and every run must end.

use baton_engine::Command;
use baton_engine::command::{Choice, Decision, Resolution};
use baton_engine::run::{Run, Status as RunStatus};
use baton_engine::scope;
use baton_engine::step::Status;

use super::{Era, Happening, World};
use crate::script::How;

/// Within this, what can go on without people has gone on.
const HEALING_MS: u64 = 300_000;
/// Within this, everything has ended.
const SETTLING_MS: u64 = 400_000;

impl World {
    pub(super) fn look(&mut self) {
        match self.era {
            Era::Faults => {
                self.enter(Era::Healing);
                self.restore_regions();
            }
            // Somebody's word that a region is lost may have been on its way.
            Era::Healing if !self.book.state.lost.is_empty() && self.all_are_answered() => {
                self.restore_regions()
            }
            Era::Healing if self.rests() => self.enter(Era::Settling),
            Era::Healing if self.now - self.era_since > HEALING_MS => {
                self.too_late("neither ended nor parked")
            }
            Era::Settling if self.has_settled() => self.era = Era::Over,
            Era::Settling if self.now - self.era_since > SETTLING_MS => self.too_late("not ended"),
            Era::Settling => self.decide_all(),
            _ => {}
        }
        self.after(if self.era == Era::Settling { 3000 } else { 1000 }, Happening::Look);
    }

    fn enter(&mut self, era: Era) {
        self.note(|| format!("== {era:?}"));
        (self.era, self.era_since) = (era, self.now);
    }

    fn too_late(&mut self, what: &str) {
        let state = &self.book.state;
        let restless = state.active.iter().map(|id| &state.runs[id]);
        let texts = restless.map(|run| {
            let steps = run.steps.iter().enumerate().filter(|(_, step)| !step.status.is_settled());
            let steps: Vec<String> = steps
                .map(|(index, step)| {
                    let name = scope::name(run, &state.plans, index);
                    format!("{name} {} {:?}", step.status.word(), step.reason)
                })
                .collect();
            format!("{} is {} ({:?}): {}", run.id, run.status.word(), run.why(&state.plans), steps.join("; "))
        });
        let texts: Vec<String> = texts.collect();
        let asked: Vec<&str> =
            self.clients.iter().filter(|one| one.answer.is_none()).map(|one| one.id.as_str()).collect();
        let outbox: usize = (0..self.places.len()).map(|place| self.outbox(place)).sum();
        let text = format!(
            "{what} in time: {}; unanswered: {asked:?}; unacknowledged reports: {outbox}",
            texts.join(" | ")
        );
        self.broken("liveness", text);
    }

    /// Nobody waits for an answer, and every run has ended or is parked with a reason.
    fn rests(&self) -> bool {
        let state = &self.book.state;
        self.all_are_answered() && state.active.iter().all(|id| self.is_parked(&state.runs[id]))
    }

    fn is_parked(&self, run: &Run) -> bool {
        let state = &self.book.state;
        // While somebody's doubt keeps an agent out, what only that agent could do waits as well.
        let for_agents = self.is_somebody_refused();
        let held_by_others =
            |run: &Run| state.active.iter().any(|other| hangs(&state.runs[other])) && waits(run, for_agents);
        let too_little =
            state.resources.by_name.values().any(|resource| resource.set.is_some()) && waits(run, false);
        let queued = run.queued || held_by_others(run) || too_little;
        run.why(&state.plans).is_some() && (run.needs_operator() || queued)
    }

    fn give_capacities_back(&mut self) {
        let set = self.book.state.resources.by_name.iter().filter(|(_, resource)| resource.set.is_some());
        let names: Vec<String> = set.map(|(name, _)| name.clone()).collect();
        for resource in names {
            let request = self.request("cy");
            let reason = "as the plans say".to_owned();
            self.ask(Command::SetCapacity { request, resource, capacity: None, reason });
        }
    }

    fn has_settled(&self) -> bool {
        let outboxes = (0..self.places.len()).map(|place| self.outbox(place)).sum::<usize>();
        self.book.state.active.is_empty() && self.all_are_answered() && outboxes == 0
    }

    fn all_are_answered(&self) -> bool {
        self.clients.iter().all(|client| client.answer.is_some())
    }

    fn restore_regions(&mut self) {
        let lost: Vec<String> = self.book.state.lost.keys().cloned().collect();
        for region in lost {
            let request = self.request("cy");
            self.ask(Command::RestoreRegion { request, region, reason: "it is back".into() });
        }
        // Somebody may have switched a region off by a word that came late.
        self.relieve_all();
    }

    fn decide_all(&mut self) {
        self.give_capacities_back();
        self.restore_regions();
        let runs: Vec<_> = {
            let state = &self.book.state;
            state.active.iter().map(|id| state.runs[id].clone()).collect()
        };
        for run in runs {
            if run.status == RunStatus::Paused && run.paused_by.is_none() {
                self.decide(&run.id, Decision::Resume);
            }
            for index in 0..run.steps.len() {
                let name = scope::name(&run, &self.book.state.plans, index);
                if let Some(choice) = self.choice(&run, index, &name) {
                    self.decide(&run.id, Decision::Step { step: name, choice });
                }
            }
        }
    }

    fn choice(&self, run: &Run, index: usize, name: &str) -> Option<Choice> {
        let state = &run.steps[index];
        let patient = self.now - self.era_since < 60_000;
        match state.status {
            Status::InDoubt => Some(Choice::Resolve(self.resolution(&run.id, name, How::Truthfully))),
            Status::AwaitingApproval => {
                let ways = [Choice::Approve, Choice::Finish, Choice::Override];
                let looks = (self.now / 3000) as usize;
                Some(ways[looks % 3])
            }
            Status::Failed if run.status == RunStatus::Paused && patient && state.attempts.is_empty() => {
                Some(Choice::Retry)
            }
            Status::Failed if run.status == RunStatus::Paused => {
                match self.target.count(&run.id, name, false) {
                    0 => Some(Choice::Skip),
                    _ => Some(Choice::Resolve(Resolution::Succeeded)),
                }
            }
            Status::UndoFailed if run.undoing.contains(&index) && patient => Some(Choice::Retry),
            Status::UndoFailed if run.undoing.contains(&index) => Some(Choice::Skip),
            _ => None,
        }
    }

    fn decide(&mut self, run: &str, decision: Decision) {
        // Two people take turns, for where it takes two.
        let operator = ["cy", "di"][(self.now / 9000) as usize % 2];
        let request = self.request(operator);
        let (run, reason) = (run.to_owned(), "by what the target says".to_owned());
        self.ask(Command::Decide { request, run, decision, reason });
    }
}

/// Something of it waits for what somebody else holds, or for room.
fn waits(run: &Run, for_agents: bool) -> bool {
    let held = ["it waits", "limits are reached", "as many items"];
    let agents = ["is live", "free slot"];
    let waits = |why: &str| {
        let said = |words: &&str| why.contains(words);
        held.iter().any(&said) || for_agents && agents.iter().any(said)
    };
    run.steps.iter().any(|step| step.reason.as_deref().is_some_and(waits))
}

/// Something of it hangs on a person, although the rest may go on.
fn hangs(run: &Run) -> bool {
    let asks = |status: Status| run.steps.iter().any(|step| step.status == status);
    run.needs_operator()
        || asks(Status::InDoubt)
        || asks(Status::AwaitingApproval)
        || asks(Status::UndoFailed)
}
