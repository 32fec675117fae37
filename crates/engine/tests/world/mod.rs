//! A world under a seed: agents with journals, a target that counts effects, and operators.

use std::collections::{BTreeMap, BTreeSet};

use baton_engine::command::{AttemptKey, Ending, Join, Mode, Request, Resolution, Speaker};
use baton_engine::effect::Assignment;
use baton_engine::step::{Answered, Outcome, Status};
use baton_engine::{Batch, Command, Effect, Reply, Stamp, State, invariants};
use fastrand::Rng;

const REGIONS: [&str; 2] = ["west", "east"];

/// What an agent's machine does about one attempt.
#[derive(Clone)]
struct Execution {
    key: AttemptKey,
    idempotent: bool,
    acted: bool,
}

/// One machine with an agent on it.
#[derive(Clone)]
struct Machine {
    join: Join,
    /// The cluster has heard of it since its lease ended last.
    connected: bool,
    running: Vec<Execution>,
    /// Every token that the journal knows.
    known: BTreeSet<u64>,
    /// Reports that were not acknowledged.
    outbox: Vec<(AttemptKey, Ending)>,
}

pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) commands: u64,
    pub(crate) doubts: u64,
    rng: Rng,
    index: u64,
    time_ms: u64,
    term: u64,
    requests: u64,
    journals: u64,
    machines: Vec<Machine>,
    /// Effects at the target, by run and step.
    effects: BTreeMap<(String, String), u32>,
    /// Steps for which an operator said "again" or "it succeeded" while their executor might act.
    by_word: BTreeSet<(String, String)>,
}

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let mut world = World {
            state: State::default(),
            commands: 0,
            doubts: 0,
            rng: Rng::with_seed(seed),
            index: 0,
            time_ms: 0,
            term: 0,
            requests: 0,
            journals: 0,
            machines: Vec::new(),
            effects: BTreeMap::new(),
            by_word: BTreeSet::new(),
        };
        world.elect();
        for number in 0..3 {
            let plan = world.random_plan(&format!("p{number}"));
            let source = plan.clone();
            let plan = baton_plan::check(&plan).unwrap_or_else(|problems| {
                panic!("seed {seed}: {}", baton_plan::problem::render(&source, "plan", &problems))
            });
            let request = world.request();
            world.apply(Command::RegisterPlan { request, plan: plan.plan, source }).expect("registered");
        }
        for number in 0..4 {
            let machine = world.machine(number);
            world.machines.push(machine);
        }
        world
    }

    fn machine(&mut self, number: usize) -> Machine {
        self.journals += 1;
        let join = Join {
            speaker: Speaker { agent: format!("a{number}"), incarnation: self.journals.to_string() },
            region: REGIONS[number % 2].into(),
            host: format!("h{number}"),
            boot: "1".into(),
            slots: self.rng.u32(1..4),
            labels: BTreeMap::new(),
        };
        Machine { join, connected: false, running: Vec::new(), known: BTreeSet::new(), outbox: Vec::new() }
    }

    fn random_plan(&mut self, name: &str) -> String {
        let rng = &mut self.rng;
        let mut text = format!("apiVersion: baton/v1\nkind: Plan\nmetadata: {{name: {name}}}\nspec:\n");
        text += &format!("  onFailure: {}\n", if rng.bool() { "stop" } else { "pause" });
        if rng.u8(..4) == 0 {
            text += &format!("  limits: {{parallel: {}}}\n", rng.u8(1..4));
        }
        text += "  steps:\n";
        let count = rng.usize(1..9);
        for step in 0..count {
            text += &format!("    - name: s{step}\n");
            let needs: Vec<_> =
                (0..step).filter(|_| rng.u8(..3) == 0).map(|need| format!("s{need}")).collect();
            text += &format!("      needs: [{}]\n", needs.join(", "));
            if rng.u8(..4) == 0 {
                text += "      when: run.mode == \"ungraceful\"\n";
            }
            if rng.u8(..6) == 0 {
                text += "      optional: true\n";
            }
            text += match rng.u8(..8) {
                0 => "      wait: 2s\n",
                1 => "      noop: {}\n",
                2 | 3 => {
                    "      region: west\n      idempotent: true\n      command: [twice]\n      retry: {attempts: 2, backoff: 1s}\n"
                }
                4 | 5 => {
                    "      region: east\n      idempotent: false\n      command: [promote]\n      probe: {command: [ask]}\n"
                }
                6 => {
                    "      region: west\n      idempotent: false\n      command: [promote]\n      probe: {command: [ask]}\n      retry: {attempts: 3, backoff: 1s}\n"
                }
                _ => "      region: west\n      idempotent: false\n      command: [once]\n",
            };
        }
        text
    }

    fn request(&mut self) -> Request {
        self.requests += 1;
        Request { id: self.requests.to_string(), operator: "ana".into() }
    }

    fn apply(&mut self, command: Command) -> Reply {
        self.index += 1;
        self.commands += 1;
        let stamp = Stamp { time_ms: self.time_ms, wall_ms: 0 };
        let doubts =
            |state: &State| state.runs.values().flat_map(|run| run.steps_in(Status::InDoubt)).count();
        let before = doubts(&self.state);
        let text = format!("{command:?}");
        let batch = Batch { stamp, term: self.term, commands: vec![command] };
        let reply = self.state.apply(self.index, &batch).remove(0);
        if let Err(violation) = invariants::check(&self.state) {
            panic!("{violation}\nafter {text}");
        }
        self.doubts += (doubts(&self.state) > before) as u64;
        reply
    }

    fn elect(&mut self) {
        self.term += 1;
        let node = self.rng.u64(1..4);
        self.apply(Command::TakeOffice { node }).expect("a newer term takes office");
    }

    /// Anything may happen, in any order.
    pub(crate) fn live_through(&mut self, steps: usize) {
        for _ in 0..steps {
            match self.rng.u8(..41) {
                0 => self.start(),
                1 => self.elect(),
                2 | 3 => self.pass_time(),
                4 | 5 => self.cut_off(),
                6 | 7 => self.connect(),
                8 => self.lose_journal(),
                9 => self.kill_execution(),
                10 => self.decide(),
                11 => self.pause_resume_or_cancel(),
                12..20 => self.obey(),
                20..28 => self.act(),
                28..36 => self.finish(),
                36 => self.evaluate(),
                37 => self.copy_journal(),
                _ => self.deliver(),
            }
        }
    }

    fn start(&mut self) {
        let request = self.request();
        let plan = format!("p{}", self.rng.u8(..3));
        let params = BTreeMap::new();
        let mode = if self.rng.bool() { Mode::Graceful } else { Mode::Ungraceful };
        self.apply(Command::StartRun { request, plan, version: None, params, mode, drill: false })
            .expect("started");
    }

    fn pass_time(&mut self) {
        self.time_ms += self.rng.u64(1..5_000);
        if self.state.next_deadline_ms().is_some_and(|deadline| deadline <= self.time_ms) {
            self.apply(Command::Tick).expect("a tick");
        }
    }

    fn cut_off(&mut self) {
        let which = self.rng.usize(..self.machines.len());
        let machine = &mut self.machines[which];
        if machine.connected {
            machine.connected = false;
            // The supervisor ends idempotent steps when the lease is over, and the agent finds that out.
            let (ended, running) = machine.running.drain(..).partition(|one: &Execution| one.idempotent);
            machine.running = running;
            let ended: Vec<Execution> = ended;
            machine.outbox.extend(ended.into_iter().map(|one| {
                let reason = "its lease ran out".to_owned();
                (one.key, Ending { outcome: Some(Outcome::Unknown), reason, ..Ending::default() })
            }));
            let speaker = machine.join.speaker.clone();
            self.apply(Command::ExpireAgent { speaker }).expect("expired");
        }
    }

    fn connect(&mut self) {
        let which = self.rng.usize(..self.machines.len());
        self.join(which);
    }

    fn join(&mut self, which: usize) {
        let join = self.machines[which].join.clone();
        if self.apply(Command::JoinAgent(join)).is_ok() {
            self.machines[which].connected = true;
            self.stop_what_is_over(which);
        }
    }

    fn stop_what_is_over(&mut self, which: usize) {
        let machine = &mut self.machines[which];
        let agent = &self.state.agents.by_name[&machine.join.speaker.agent];
        machine.running.retain(|one| agent.open.contains_key(&one.key.token));
    }

    /// The data directory is gone; what ran on the machine is ended before the agent comes back.
    fn lose_journal(&mut self) {
        let which = self.rng.usize(..self.machines.len());
        self.journals += 1;
        let machine = &mut self.machines[which];
        machine.join.speaker.incarnation = self.journals.to_string();
        machine.running.clear();
        machine.known.clear();
        machine.outbox.clear();
        machine.connected = false;
        self.join(which);
    }

    /// A machine that nobody hears of is copied: the copy finds none of the processes that its journal
    /// names and takes them for ended, while the original still runs them.
    fn copy_journal(&mut self) {
        let which = self.rng.usize(..self.machines.len());
        if self.machines[which].connected || self.machines.len() >= 6 {
            return;
        }
        let mut copy = self.machines[which].clone();
        copy.join.host = format!("copy of {}", copy.join.host);
        for one in std::mem::take(&mut copy.running) {
            let reason = "its tree is gone".to_owned();
            copy.outbox
                .push((one.key, Ending { outcome: Some(Outcome::Unknown), reason, ..Ending::default() }));
        }
        self.machines.push(copy);
    }

    /// A process dies with its supervisor; the agent finds its tree gone.
    fn kill_execution(&mut self) {
        let which = self.rng.usize(..self.machines.len());
        if let Some(one) = self.machines[which].running.pop() {
            let ending =
                Ending { outcome: Some(Outcome::Unknown), reason: "killed".into(), ..Ending::default() };
            self.machines[which].outbox.push((one.key, ending));
        }
    }

    /// A truthful operator decides on a doubt.
    fn decide(&mut self) {
        let doubts = self.state.runs.values().flat_map(|run| {
            let version = self.state.version_of(run);
            let failed = run.steps_in(Status::Failed).filter(|_| !run.status.has_ended());
            let all: Vec<_> = run.steps_in(Status::InDoubt).chain(failed).collect();
            all.into_iter().map(move |index| (run.id.clone(), version.plan.steps[index].name.clone()))
        });
        let doubts: Vec<_> = doubts.collect();
        let Some((run, step)) = self.rng.choice(doubts) else { return };
        let place = (run.clone(), step.clone());
        let happened = self.effects.get(&place).is_some_and(|count| *count > 0);
        let resolution = if happened { Resolution::Succeeded } else { Resolution::Retry };
        self.by_word.insert(place);
        let request = self.request();
        // An optional step that failed has nothing to decide.
        let _ =
            self.apply(Command::ResolveStep { request, run, step, resolution, reason: "I looked".into() });
    }

    fn pause_resume_or_cancel(&mut self) {
        let active: Vec<_> = self.state.active.iter().cloned().collect();
        let Some(run) = self.rng.choice(active) else { return };
        let (request, reason) = (self.request(), String::new());
        let command = match self.rng.u8(..5) {
            0 => Command::CancelRun { request, run, reason },
            1 | 2 => Command::PauseRun { request, run, reason },
            _ => Command::ResumeRun { request, run, reason },
        };
        // A refusal is an answer too.
        let _ = self.apply(command);
    }

    /// A connected machine does what it is told, or what it was told before (late and again).
    fn obey(&mut self) {
        let which = self.rng.usize(..self.machines.len());
        if !self.machines[which].connected {
            return;
        }
        let effects = self.state.effects_for(&self.machines[which].join.speaker.agent);
        if let Some(effect) = self.rng.choice(effects) {
            self.perform(which, effect);
        }
    }

    fn perform(&mut self, which: usize, effect: Effect) {
        match effect {
            Effect::Stop { key, .. } => {
                let machine = &mut self.machines[which];
                if let Some(position) = machine.running.iter().position(|one| one.key == key) {
                    let one = machine.running.remove(position);
                    let outcome = if one.idempotent { Outcome::Failed } else { Outcome::Unknown };
                    let ending =
                        Ending { outcome: Some(outcome), reason: "stopped".into(), ..Ending::default() };
                    machine.outbox.push((key, ending));
                } else if !machine.known.contains(&key.token) {
                    machine.known.insert(key.token);
                    machine.outbox.push((
                        key,
                        Ending { reason: "stopped before it began".into(), ..Ending::default() },
                    ));
                }
            }
            Effect::Assign(assignment) if assignment.probe => self.probe(which, &assignment),
            Effect::Assign(assignment) => self.begin(which, assignment),
        }
    }

    fn probe(&mut self, which: usize, assignment: &Assignment) {
        let place = (assignment.key.run.clone(), assignment.key.step.clone());
        let happened = self.effects.get(&place).is_some_and(|count| *count > 0);
        let answer = match (self.rng.u8(..5), happened) {
            (0, _) => Answered::Unknown,
            (_, true) => Answered::Happened,
            (_, false) => Answered::DidNotHappen,
        };
        let (speaker, key) = (self.machines[which].join.speaker.clone(), assignment.key.clone());
        self.apply(Command::AnswerProbe { speaker, key, answer, reason: String::new() }).expect("recorded");
    }

    fn begin(&mut self, which: usize, assignment: Assignment) {
        let Assignment { key, idempotent, .. } = assignment;
        if self.machines[which].known.contains(&key.token) {
            return;
        }
        if !idempotent {
            let speaker = self.machines[which].join.speaker.clone();
            if self.apply(Command::Begin { speaker, key: key.clone() }).is_err() {
                return;
            }
        }
        self.machines[which].known.insert(key.token);
        if self.rng.u8(..12) == 0 {
            let ending = Ending { reason: "its lease was over".into(), ..Ending::default() };
            self.machines[which].outbox.push((key, ending));
        } else {
            self.machines[which].running.push(Execution { key, idempotent, acted: false });
        }
    }

    /// An execution takes effect: on a connected machine, and on one that nobody hears of as well.
    fn act(&mut self) {
        let which = self.rng.usize(..self.machines.len());
        let running = &mut self.machines[which].running;
        if running.is_empty() {
            return;
        }
        let position = self.rng.usize(..running.len());
        let one = &mut running[position];
        if !one.acted {
            one.acted = true;
            *self.effects.entry((one.key.run.clone(), one.key.step.clone())).or_default() += 1;
        }
    }

    fn finish(&mut self) {
        let which = self.rng.usize(..self.machines.len());
        let machine = &mut self.machines[which];
        if machine.running.is_empty() {
            return;
        }
        let one = machine.running.remove(self.rng.usize(..machine.running.len()));
        let outcome = if one.acted { Outcome::Succeeded } else { Outcome::Failed };
        let exit_code = Some(if one.acted { 0 } else { 1 });
        machine.outbox.push((one.key, Ending { outcome: Some(outcome), exit_code, ..Ending::default() }));
        if machine.connected && self.rng.bool() {
            self.deliver_all(which, false);
        }
    }

    fn deliver(&mut self) {
        let which = self.rng.usize(..self.machines.len());
        let acknowledged = self.rng.bool();
        if self.machines[which].connected {
            self.deliver_all(which, acknowledged);
        }
    }

    /// Reports go out; without an acknowledgement they will go out again.
    fn deliver_all(&mut self, which: usize, acknowledged: bool) {
        let speaker = self.machines[which].join.speaker.clone();
        for (key, ending) in self.machines[which].outbox.clone() {
            self.apply(Command::Report { speaker: speaker.clone(), key, ending }).expect("recorded");
        }
        if acknowledged {
            self.machines[which].outbox.clear();
        }
    }

    fn evaluate(&mut self) {
        for one in self.state.evaluations() {
            let result = one.expression.evaluate(&one.facts);
            self.apply(Command::Evaluate { run: one.run, step: one.step, result }).expect("evaluated");
        }
    }

    /// The faults end: everybody is there, and operators decide what is theirs to decide.
    pub(crate) fn heal(&mut self) {
        for _ in 0..400 {
            if self.state.active.is_empty() {
                return;
            }
            for which in 0..self.machines.len() {
                if !self.machines[which].connected {
                    self.join(which);
                }
                if !self.machines[which].connected {
                    continue;
                }
                for effect in self.state.effects_for(&self.machines[which].join.speaker.agent) {
                    self.perform(which, effect);
                }
                for one in &mut self.machines[which].running {
                    if !one.acted {
                        one.acted = true;
                        *self.effects.entry((one.key.run.clone(), one.key.step.clone())).or_default() += 1;
                    }
                }
                while !self.machines[which].running.is_empty() {
                    let one = self.machines[which].running.remove(0);
                    let ending =
                        Ending { outcome: Some(Outcome::Succeeded), exit_code: Some(0), ..Ending::default() };
                    self.machines[which].outbox.push((one.key, ending));
                }
                self.deliver_all(which, true);
            }
            self.evaluate();
            self.pass_time();
            self.decide();
            let paused = self.state.active.iter().cloned().collect::<Vec<_>>();
            for run in paused {
                let (request, reason) = (self.request(), String::new());
                let _ = self.apply(Command::ResumeRun { request, run, reason });
            }
        }
    }

    /// P7: every run was decided. P1: counted at the target, nothing happened twice.
    pub(crate) fn judge(&self) {
        if let Some(id) = self.state.active.first() {
            let run = &self.state.runs[id];
            let lines: Vec<_> = run.timeline.iter().map(|record| record.event.text()).collect();
            panic!("{id} never ended:\n{}", lines.join("\n"));
        }
        for run in self.state.runs.values() {
            let version = self.state.version_of(run);
            for (step, state) in
                version.plan.steps.iter().zip(&run.steps).filter(|(step, _)| !step.idempotent)
            {
                let place = (run.id.clone(), step.name.clone());
                let effects = self.effects.get(&place).copied().unwrap_or(0);
                let by_word = self.by_word.contains(&place);
                assert!(effects <= 1 || by_word, "{place:?} took effect {effects} times");
                let acts = matches!(step.action, baton_plan::plan::Action::Command(_));
                let succeeded = state.status == Status::Succeeded && acts;
                assert!(!succeeded || effects >= 1, "{place:?} succeeded without an effect");
            }
        }
    }
}
