//! People, and the clients that repeat what they ask for under one id until somebody answers.

use baton_engine::command::{Choice, Decision, Mode, Request, Resolution};
use baton_engine::run::Status as RunStatus;
use baton_engine::step::{Direction, Status};
use baton_engine::{Answer, Command, Rejection, scope};

use super::office::{Caller, Told};
use super::{Era, Happening, Order, World};
use crate::marks::Mark;
use crate::script::{How, Op};

/// How long a client waits for an answer before it asks again.
const PATIENCE_MS: u64 = 3000;

/// Inside of a client.
#[derive(Debug, Clone)]
pub(crate) enum Inner {
    Send,
    Arrive { member: usize, attempt: u32 },
    Answered { attempt: u32, told: Result<Answer, Rejection> },
    TimeOut { attempt: u32 },
}

/// One thing that somebody wants done.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) command: Command,
    pub(crate) answer: Option<Result<Answer, Rejection>>,
    pub(crate) attempt: u32,
    timed_out: bool,
}

impl World {
    pub(super) fn register_plans(&mut self) {
        for plan in self.script.plans.clone() {
            let source = plan.yaml();
            match baton_plan::check(&source) {
                Ok(checked) => {
                    let request = self.request("ana");
                    self.ask(Command::RegisterPlan { request, plan: Box::new(checked.plan), source });
                }
                Err(problems) => {
                    let text = baton_plan::problem::render(&source, &plan.name, &problems);
                    self.broken("the script", text);
                }
            }
        }
    }

    pub(crate) fn request(&mut self, operator: &str) -> Request {
        let id = format!("request-{}", self.clients.len() + 1);
        Request { id, operator: operator.into(), roles: Vec::new() }
    }

    /// Somebody wants this done.
    pub(crate) fn ask(&mut self, command: Command) {
        let client = self.clients.len();
        let id = format!("request-{}", client + 1);
        self.clients.push(Client { id, command, answer: None, attempt: 0, timed_out: false });
        self.after(1, Happening::Client { client, what: Inner::Send });
    }

    pub(super) fn in_client(&mut self, client: usize, what: Inner) {
        match what {
            Inner::Send => self.client_sends(client),
            Inner::Arrive { member, attempt } => self.client_arrives(client, member, attempt),
            Inner::Answered { attempt, told } => self.client_hears(client, attempt, told),
            Inner::TimeOut { attempt } => {
                let seen = &mut self.clients[client];
                if seen.attempt == attempt && seen.answer.is_none() {
                    seen.timed_out = true;
                    self.client_sends(client);
                }
            }
        }
    }

    fn client_sends(&mut self, client: usize) {
        let seen = &mut self.clients[client];
        if seen.answer.is_some() {
            return;
        }
        seen.attempt += 1;
        let (attempt, command) = (seen.attempt, seen.command.clone());
        if self.order(Order::Ask(client, Box::new(command))) {
            return;
        }
        let member = match self.acting().filter(|_| !attempt.is_multiple_of(3)) {
            Some(member) => member,
            None => (client + attempt as usize) % self.members.len(),
        };
        let ms = self.between(1, self.script.world.delay_ms, ("client", client, attempt));
        self.after(ms, Happening::Client { client, what: Inner::Arrive { member, attempt } });
        self.after(PATIENCE_MS, Happening::Client { client, what: Inner::TimeOut { attempt } });
    }

    fn client_arrives(&mut self, client: usize, member: usize, attempt: u32) {
        let command = self.clients[client].command.clone();
        if self.order(Order::Ask(client, Box::new(command))) {
            return;
        }
        let office = self.members[member].office.as_ref().filter(|office| office.holds);
        if office.is_none() || self.is_member_frozen(member) {
            if self.clients[client].attempt == attempt && !self.is_member_frozen(member) {
                self.after(100, Happening::Client { client, what: Inner::Send });
            }
            return;
        }
        let command = self.clients[client].command.clone();
        self.propose(member, command, Caller::Client { client, attempt });
    }

    /// The leader answers; the answer may be lost on its way.
    pub(crate) fn answer_client(&mut self, client: usize, attempt: u32, told: Told) {
        let told = match told {
            Told::Done(answer) => Ok(answer),
            Told::Rejected(rejection) => Err(rejection),
            Told::NotLeader | Told::Unknown => return,
        };
        let lost = self.script.world.drops + 3;
        if !self.is_calm() && self.chance.percent(lost, ("answer", client, attempt)) {
            return;
        }
        let ms = self.between(1, self.script.world.delay_ms, ("answer way", client, attempt));
        self.after(ms, Happening::Client { client, what: Inner::Answered { attempt, told } });
    }

    /// Nobody answered in time.
    pub(crate) fn is_unanswered(&mut self, client: usize) {
        self.clients[client].timed_out = true;
        self.after(100, Happening::Client { client, what: Inner::Send });
    }

    pub(crate) fn client_hears(&mut self, client: usize, attempt: u32, told: Result<Answer, Rejection>) {
        let id = self.clients[client].id.clone();
        self.note(|| format!("{id} is answered: {told:?}"));
        let seen = &mut self.clients[client];
        let starts = matches!(seen.command, Command::StartRun { .. });
        if starts && seen.timed_out && told.is_ok() {
            self.marks.hit(Mark::M01);
        }
        if matches!(&told, Err(Rejection::Refused(_))) && matches!(seen.command, Command::Decide { .. }) {
            self.marks.hit(Mark::U01);
        }
        crate::laws::acknowledged::client(self, client, &told);
        self.clients[client].answer.get_or_insert(told);
        // Some ask once more although they were answered.
        if attempt == 1 && self.era == Era::Faults && self.chance.percent(10, ("once more", client)) {
            let member = self.acting().unwrap_or(0);
            self.after(20, Happening::Client { client, what: Inner::Arrive { member, attempt: 99 } });
        }
    }

    /// What a person does, about the run or step that it fits.
    pub(super) fn operate(&mut self, op: &Op) {
        let operator = if self.clients.len().is_multiple_of(2) { "ana" } else { "bo" };
        let request = self.request(operator);
        let reason = "so decided".to_owned();
        let command = match op {
            Op::Start { plan, ungraceful, drill, queue } => Some(Command::StartRun {
                request,
                plan: plan.clone(),
                version: None,
                params: Default::default(),
                mode: if *ungraceful { Mode::Ungraceful } else { Mode::Graceful },
                drill: *drill,
                queue: *queue,
            }),
            Op::Register { plan } => return self.register_again(plan),
            Op::DeclareLost { region, truly } => {
                self.lose_region(region, *truly);
                Some(Command::DeclareLost { request, region: region.clone(), reason })
            }
            Op::Restore { region } => {
                Some(Command::RestoreRegion { request, region: region.clone(), reason })
            }
            Op::SetCapacity { resource, units } => {
                let (resource, capacity) = (resource.clone(), *units);
                Some(Command::SetCapacity { request, resource, capacity, reason })
            }
            other => {
                self.decision(other).map(|(run, decision)| Command::Decide { request, run, decision, reason })
            }
        };
        if let Some(command) = command {
            self.ask(command);
        }
    }

    fn register_again(&mut self, plan: &str) {
        let sketch = self.script.plans.iter().find(|sketch| sketch.name == plan).cloned();
        let Some(mut sketch) = sketch else { return };
        sketch.head.push("description: once more".into());
        let source = sketch.yaml().replace("  description: once more\n", "  # once more\n");
        if let Ok(checked) = baton_plan::check(&source) {
            let request = self.request("ana");
            self.ask(Command::RegisterPlan { request, plan: Box::new(checked.plan), source });
        }
    }

    fn lose_region(&mut self, region: &str, truly: bool) {
        if truly {
            for machine in self.machines_of(region) {
                self.power_off(machine);
            }
        } else {
            self.memory.falsely_lost.insert(region.to_owned());
        }
    }

    fn decision(&self, op: &Op) -> Option<(String, Decision)> {
        let runs = &self.book.state.runs;
        let any = |pick: u64, fits: &dyn Fn(RunStatus) -> bool| {
            let fitting: Vec<_> = runs.values().filter(|run| fits(run.status)).collect();
            let from = if fitting.is_empty() { runs.values().collect() } else { fitting };
            (!from.is_empty()).then(|| from[pick as usize % from.len()].id.clone())
        };
        let active = |status: RunStatus| !status.has_ended();
        let on_step = |pick: u64, choice: Choice, fits: &dyn Fn(Status) -> bool| {
            let (run, step) = self.some_step(pick, fits)?;
            Some((run, Decision::Step { step, choice }))
        };
        match op {
            Op::Pause { pick } => Some((any(*pick, &active)?, Decision::Pause)),
            Op::Resume { pick } => Some((any(*pick, &|one| one == RunStatus::Paused)?, Decision::Resume)),
            Op::Cancel { pick, undo } => Some((any(*pick, &active)?, Decision::Cancel { undo: *undo })),
            Op::Undo { pick } => Some((any(*pick, &|_| true)?, Decision::Undo)),
            Op::Escalate { pick, step: false } => {
                Some((any(*pick, &active)?, Decision::Escalate { step: None }))
            }
            Op::Escalate { pick, step: true } => {
                let (run, step) = self.some_step(*pick, &|status| !status.is_settled())?;
                Some((run, Decision::Escalate { step: Some(step) }))
            }
            Op::Resolve { pick, how } => {
                let (run, step) = self.some_step(*pick, &|status| status == Status::InDoubt)?;
                let choice = Choice::Resolve(self.resolution(&run, &step, *how));
                Some((run, Decision::Step { step, choice }))
            }
            Op::Skip { pick } => {
                on_step(*pick, Choice::Skip, &|one| matches!(one, Status::Failed | Status::UndoFailed))
            }
            Op::Retry { pick } => {
                on_step(*pick, Choice::Retry, &|one| matches!(one, Status::Failed | Status::UndoFailed))
            }
            Op::Ask { pick } => on_step(*pick, Choice::Ask, &|one| one == Status::InDoubt),
            Op::Approve { pick } => on_step(*pick, Choice::Approve, &|one| one == Status::AwaitingApproval),
            Op::Decline { pick } => on_step(*pick, Choice::Decline, &|one| one == Status::AwaitingApproval),
            Op::Override { pick } => on_step(*pick, Choice::Override, &|one| one == Status::AwaitingApproval),
            Op::Finish { pick } => on_step(*pick, Choice::Finish, &|one| one == Status::AwaitingApproval),
            _ => None,
        }
    }

    /// A step that fits, of a run that goes on; or any.
    fn some_step(&self, pick: u64, fits: &dyn Fn(Status) -> bool) -> Option<(String, String)> {
        let state = &self.book.state;
        let active = state.active.iter().map(|id| &state.runs[id]);
        let all: Vec<_> =
            active.flat_map(|run| (0..run.steps.len()).map(move |index| (run, index))).collect();
        let fitting = all.iter().filter(|(run, index)| fits(run.steps[*index].status)).copied();
        let fitting: Vec<_> = fitting.collect();
        let from = if fitting.is_empty() { all } else { fitting };
        let (run, index) = *from.get(pick as usize % from.len().max(1))?;
        Some((run.id.clone(), scope::name(run, &state.plans, index)))
    }

    pub(super) fn resolution(&self, run: &str, step: &str, how: How) -> Resolution {
        let state = &self.book.state;
        let index = scope::find(&state.runs[run], &state.plans, step).unwrap_or_default();
        let undo = state.runs[run].steps[index].direction == Direction::Undo;
        match how {
            How::Succeeded => Resolution::Succeeded,
            How::Failed => Resolution::Failed,
            How::Retry => Resolution::Retry,
            How::Truthfully if self.target.count(run, step, undo) > 0 => Resolution::Succeeded,
            How::Truthfully => Resolution::Failed,
        }
    }
}
