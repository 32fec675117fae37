//! What is known of a step that only a person can settle, and what each way on would do.

use baton_plan::plan::{Action, Approval, OnFailure, StepIndex};

use crate::doubt::asks_first;
use crate::locks::age;
use crate::run::{Heading, Run, Status as RunStatus};
use crate::scope;
use crate::state::State;
use crate::step::{Attempt, Direction, Status, StepState};

/// Something that only a person can settle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What is known.
    pub known: String,
    /// What can be done, and what each would do.
    pub choices: Vec<ChoiceText>,
}

/// One way on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceText {
    /// The command to type.
    pub command: String,
    /// What it does.
    pub effect: String,
}

impl State {
    /// What is known of a step that waits for a person, and what can be done; `None` where it does not wait for one.
    pub fn doubt(&self, run: &Run, index: StepIndex, now_ms: u64) -> Option<Doubt> {
        let name = scope::name(run, &self.plans, index);
        let desk = Desk { state: self, run, index, name, now_ms };
        let step = &run.steps[index];
        let reason = step.reason.clone().unwrap_or_default();
        let (known, choices) = match step.status {
            Status::InDoubt => (format!("{reason}. {}", desk.told()), desk.in_doubt()),
            Status::UndoFailed if run.undoing.contains(&index) => {
                (format!("its undo failed: {reason}"), desk.undo_failed())
            }
            Status::AwaitingApproval => desk.asked(reason),
            Status::Failed if run.status == RunStatus::Paused && !step.done => {
                (format!("it failed: {reason}"), desk.failed())
            }
            _ => return None,
        };
        Some(Doubt { known: known.trim().to_owned(), choices })
    }
}

impl State {
    /// An agent is live that could ask a probe for this region.
    fn somebody_in(&self, region: &str) -> bool {
        let right = |other: &str| match self.lost.contains_key(region) {
            true => !self.lost.contains_key(other),
            false => other == region,
        };
        self.agents.choose(right, 0).is_some()
    }
}

/// One step of one run, laid before a person.
struct Desk<'a> {
    state: &'a State,
    run: &'a Run,
    index: StepIndex,
    name: String,
    now_ms: u64,
}

impl Desk<'_> {
    fn step(&self) -> &StepState {
        &self.run.steps[self.index]
    }

    fn choice(&self, verb: &str, rest: &str, effect: impl Into<String>) -> ChoiceText {
        let plain = self.name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_/".contains(letter));
        let step = if plain { self.name.clone() } else { format!("'{}'", self.name) };
        let command = format!("baton run {verb} {} {step} {rest}", self.run.id);
        ChoiceText { command: command.trim_end().to_owned(), effect: effect.into() }
    }

    fn other(command: String, effect: impl Into<String>) -> ChoiceText {
        ChoiceText { command, effect: effect.into() }
    }

    /// Who had it, whether it began, when the agent was heard of last, and whether the attempt may still act.
    fn told(&self) -> String {
        let Some(attempt) = self.step().attempt() else { return String::new() };
        let agent = &attempt.speaker.agent;
        let ago = |ms: u64| age(self.now_ms.saturating_sub(ms));
        let began = match attempt.begun {
            Some(at) => format!("began {} ago", ago(at.stamp.time_ms)),
            None => "never began".into(),
        };
        let known = self.state.agents.by_name.get(agent);
        let heard = match known {
            Some(known) if known.join.speaker != *attempt.speaker => {
                "the agent that has this name now is another one, or has another journal".into()
            }
            Some(known) if known.live => "the agent is live".into(),
            Some(known) => format!("the agent has been silent for {}", ago(known.since_ms)),
            None => "the agent is not known any more".into(),
        };
        let ended = match (attempt.is_under_way(), attempt.gone) {
            (true, _) => "the attempt may still act",
            (false, true) => "the attempt can act no more",
            (false, false) => "nothing proves that the attempt can act no more",
        };
        format!("Attempt {} on {agent} {began}; {heard}; {ended}.", attempt.number)
    }

    fn in_doubt(&self) -> Vec<ChoiceText> {
        let why = |word: &str| format!("--as {word} --reason …");
        let (happened, not, again) = self.effects();
        let mut choices = vec![
            self.choice("resolve", &why("succeeded"), happened),
            self.choice("resolve", &why("failed"), not),
        ];
        choices.extend(again.map(|again| self.choice("resolve", &why("retry"), again)));
        let has_probe = scope::work(self.run, &self.state.plans, self.index).probe.is_some();
        if has_probe && self.state.somebody_in(self.step().region.as_deref().unwrap_or_default()) {
            choices.push(self.choice("retry", "", "its probe is asked again: that can only make it known"));
        }
        self.ways_of_the_region(&mut choices);
        choices
    }

    /// What `resolve` does with each word.
    fn effects(&self) -> (String, String, Option<String>) {
        let acting = self.step().attempt().filter(|attempt| !attempt.gone);
        let fenced = scope::work(self.run, &self.state.plans, self.index).fenced;
        let beware = |attempt: &Attempt| {
            format!(
                "; if {} still acts on it, it happens twice: be sure that it is dead",
                attempt.speaker.agent
            )
        };
        let beware = acting.filter(|_| !fenced).map(beware).unwrap_or_default();
        let heading = self.run.frames[self.step().origin.frame].heading;
        match (self.step().direction, heading) {
            (Direction::Undo, _) => (
                "it was undone: what it needed is undone next".into(),
                "it was not undone: the run stays stuck until it is retried or skipped".into(),
                Some(format!("it was not undone: the undo is attempted again, now{beware}")),
            ),
            (Direction::Do, Heading::Through) => (
                "it happened: the steps that need it go on".into(),
                format!("it did not happen, and shall not: {}", self.if_it_failed()),
                Some(format!("it did not happen: it is attempted again, now{beware}")),
            ),
            (Direction::Do, Heading::Unwinding) => {
                let undo = scope::step(self.run, &self.state.plans, self.index).undo.is_some();
                let next = if undo { "it is undone next" } else { "it has no undo, its effect stays" };
                (format!("it happened: {next}"), "it did not happen: there is nothing to undo".into(), None)
            }
            (Direction::Do, _) => (
                "it happened: the run ends, its effect stays".into(),
                "it did not happen: the run ends".into(),
                None,
            ),
        }
    }

    /// What the plan says about the step's failure.
    fn if_it_failed(&self) -> &'static str {
        if scope::is_optional(self.run, &self.state.plans, self.index) {
            return "it is optional, the run goes on without it";
        }
        if self.step().origin.item.is_some() {
            return "the other items go on";
        }
        match scope::step(self.run, &self.state.plans, self.index).on_failure {
            OnFailure::Stop => "nothing new starts, what runs may finish, then the run has failed",
            OnFailure::Pause => "the run pauses until somebody retries, skips or resolves it",
            OnFailure::Continue => "what needs it never starts, the rest goes on, then the run has failed",
            OnFailure::Undo => "everything that was done is undone",
            OnFailure::UndoBranch => "what was done for it alone is undone, the rest goes on",
        }
    }

    /// What can be done about the place where it ran.
    fn ways_of_the_region(&self, choices: &mut Vec<ChoiceText>) {
        let Some(attempt) = self.step().attempt() else { return };
        let agents = &self.state.agents;
        let known = agents.by_name.get(&attempt.speaker.agent);
        let known = known.filter(|known| known.join.speaker == *attempt.speaker);
        if let Some(agent) = known.filter(|known| !known.live && attempt.is_under_way()) {
            choices.push(Self::other(
                format!("baton agent --name {} …", agent.join.speaker.agent),
                "start the agent again where it was: its journal tells what became of the attempt",
            ));
        }
        let region = self.step().region.as_deref().unwrap_or_default();
        let served = agents.choose(|other| other == region, 0).is_some();
        let lost = self.state.lost.contains_key(region);
        if lost {
            choices.push(Self::other(
                format!("baton region restore {region} --reason …"),
                format!("agents of {region} take part again, if there are any"),
            ));
        }
        if lost && attempt.lapsed {
            choices.push(Self::other(
                format!("baton region declare-lost {region} --reason …"),
                "said once more, it holds for the agent that has fallen silent since",
            ));
        }
        if !lost && !served {
            choices.push(Self::other(
                format!("baton agent --region {region} …"),
                format!("an agent in {region} can ask probes, and do what may be done again"),
            ));
            choices.push(Self::other(
                format!("baton region declare-lost {region} --reason …"),
                format!(
                    "nothing in {region} can act any more: probes are asked from another region, and what may be \
                     repeated is done there"
                ),
            ));
        }
    }

    fn undo_failed(&self) -> Vec<ChoiceText> {
        let retry = match self.asks_first() {
            true => {
                "its probe is asked first; where it says that it was not undone, the undo is attempted again"
            }
            false => "the undo is attempted again, now",
        };
        let mut choices = vec![
            self.choice("retry", "", retry),
            self.choice("resolve", "--as succeeded --reason …", "it is undone: what it needed is next"),
            self.choice("skip", "--reason …", "its effect stays, and the rest is undone without it"),
        ];
        let region = self.step().region.as_deref().unwrap_or_default();
        if self.state.lost.contains_key(region) {
            choices.push(Self::other(
                format!("baton region restore {region} --reason …"),
                format!("agents of {region} take part again; retry the undo then"),
            ));
        }
        choices
    }

    fn asked(&self, question: String) -> (String, Vec<ChoiceText>) {
        let no = self.if_it_failed();
        let until = self.step().deadline_ms.map(|deadline_ms| {
            format!(" The time for it ends in {}.", age(deadline_ms.saturating_sub(self.now_ms)))
        });
        let until = until.unwrap_or_default();
        match &scope::work(self.run, &self.state.plans, self.index).action {
            Action::Gate(_) => (
                format!("{question}.{until}"),
                vec![
                    self.choice("override", "--reason …", "the gate passes although it does not hold"),
                    self.choice("decline", "", format!("the gate fails: {no}")),
                ],
            ),
            Action::Manual(_) => (
                format!("{question}{until}"),
                vec![
                    self.choice("done", "--evidence …", "the work is done: the steps that need it go on"),
                    self.choice("decline", "", format!("it will not be done: {no}")),
                ],
            ),
            Action::Approval(approval) => (
                format!("{question} {}{until}", self.approvals(approval)),
                vec![
                    self.choice("approve", "", "you agree"),
                    self.choice("decline", "", format!("you do not, and one \"no\" is enough: {no}")),
                ],
            ),
            _ => (question, Vec::new()),
        }
    }

    /// How many have agreed, who, and who may.
    fn approvals(&self, approval: &Approval) -> String {
        let who: Vec<_> = self.step().approvals.iter().map(|said| said.operator.as_str()).collect();
        let given = if who.is_empty() { String::new() } else { format!(" ({})", who.join(", ")) };
        let roles = match approval.roles.is_empty() {
            true => String::new(),
            false => format!(", of the roles {}", approval.roles.join(", ")),
        };
        let other = match approval.two_person {
            true => format!("; {}, who started the run, does not count", self.run.operator),
            false => String::new(),
        };
        format!("{} of {} have approved{given}{roles}{other}.", who.len(), approval.approvers)
    }

    /// A retry begins with a question.
    fn asks_first(&self) -> bool {
        asks_first(scope::work(self.run, &self.state.plans, self.index), self.step())
    }

    fn failed(&self) -> Vec<ChoiceText> {
        let once = !scope::work(self.run, &self.state.plans, self.index).idempotent;
        let acted = once && !self.step().attempts.is_empty();
        let retry = match (self.asks_first(), acted) {
            (true, _) => {
                "its probe is asked first; where it says that it did not happen, it is attempted again, and the run goes on"
            }
            (false, true) => {
                "it is attempted again, and the run goes on: be sure that the first attempt did nothing"
            }
            (false, false) => "it is attempted again, and the run goes on",
        };
        vec![
            self.choice("retry", "", retry),
            self.choice("skip", "--reason …", "the run goes on without it"),
            self.choice("resolve", "--as succeeded --reason …", "it happened after all: the run goes on"),
            Self::other(
                format!("baton run undo {}", self.run.id),
                "what was done is undone, in reverse order",
            ),
            Self::other(format!("baton run cancel {}", self.run.id), "the run ends here"),
        ]
    }
}
