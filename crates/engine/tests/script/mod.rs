//! A small language for talking to the engine, so that a test reads like what happened.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use baton_engine::command::{
    AttemptKey, Cause, Choice, Decision, Ending, Join, Mode, Request, Resolution, Speaker, Subject,
};
use baton_engine::effect::{Call, Performed};
use baton_engine::scope;
use baton_engine::step::{Answered, Outcome};
use baton_engine::{Answer, Batch, Command, Effect, Rejection, Stamp, State, invariants};

/// One engine, and what the script knows of the world around it.
#[derive(Default)]
pub(crate) struct Script {
    state: State,
    index: u64,
    time_ms: u64,
    /// How far the leader's wall clock has been turned.
    turned_ms: i64,
    term: u64,
    requests: u64,
    /// Who speaks; ana, unless the script says otherwise.
    operator: String,
    roles: Vec<String>,
    joins: BTreeMap<String, Join>,
    seen: BTreeMap<String, usize>,
    backup: Option<State>,
}

impl Script {
    /// Runs a script's commands (lines that begin with `> `, the `| ` lines beneath one are its
    /// body) and gives back the script with the engine's answers.
    pub(crate) fn replay(&mut self, script: &str) -> String {
        let mut out = String::new();
        let mut lines = script.lines().peekable();
        while let Some(line) = lines.next() {
            if line.starts_with('#') || line.is_empty() {
                out.push_str(line);
                out.push('\n');
                continue;
            }
            let Some(command) = line.strip_prefix("> ") else {
                continue;
            };
            let _ = writeln!(out, "> {command}");
            let mut body = String::new();
            while let Some(text) = lines.peek().and_then(|line| line.strip_prefix('|')) {
                let _ = writeln!(out, "|{text}");
                body.push_str(text.strip_prefix(' ').unwrap_or(text));
                body.push('\n');
                lines.next();
            }
            for answer in self.perform(command, &body) {
                let _ = writeln!(out, "  {answer}");
            }
        }
        out
    }

    fn perform(&mut self, line: &str, body: &str) -> Vec<String> {
        let words: Vec<_> = line.split_whitespace().collect();
        let rest = |from: usize| words.get(from..).unwrap_or_default().join(" ");
        let command = match words[0] {
            "office" => {
                self.term = number(words[2]);
                Command::TakeOffice { node: number(words[1]) }
            }
            // What follows is proposed in this term, whoever is in office.
            "term" => {
                self.term = number(words[1]);
                return vec![format!("(the leader of term {} proposes)", words[1])];
            }
            // The next request is sent once more under the id of an earlier one.
            "request" => {
                self.requests = number(words[1]) - 1;
                return vec![format!("(once more as request-{})", words[1])];
            }
            "wall" => {
                self.turned_ms += words[1].parse::<i64>().expect("milliseconds, with a sign");
                return vec!["(the wall clock jumps)".into()];
            }
            "plan" => return self.plan(words[1], body),
            "start" => self.start(&words),
            "as" => {
                self.roles = words[2..].iter().map(|role| (*role).to_owned()).collect();
                self.operator = words[1].into();
                return vec![format!("({} speaks)", words[1..].join(" "))];
            }
            "pause" => self.decide(words[1], Decision::Pause, rest(2)),
            "resume" => self.decide(words[1], Decision::Resume, rest(2)),
            "cancel" => self.decide(words[1], Decision::Cancel { undo: false }, rest(2)),
            "cancel-undo" => self.decide(words[1], Decision::Cancel { undo: true }, rest(2)),
            "undo" => self.decide(words[1], Decision::Undo, rest(2)),
            "escalate" => {
                let (run, step) = place(words[1]);
                self.decide(run, Decision::Escalate { step: step.map(str::to_owned) }, rest(2))
            }
            "approve" => self.choose(words[1], Choice::Approve, rest(2)),
            "decline" => self.choose(words[1], Choice::Decline, rest(2)),
            "done" => self.choose(words[1], Choice::Finish, rest(2)),
            "override" => self.choose(words[1], Choice::Override, rest(2)),
            "skip" => self.choose(words[1], Choice::Skip, rest(2)),
            "retry" => self.choose(words[1], Choice::Retry, rest(2)),
            "resolve" => {
                let resolution = match words[2] {
                    "succeeded" => Resolution::Succeeded,
                    "failed" => Resolution::Failed,
                    "retry" => Resolution::Retry,
                    other => panic!("resolution {other}"),
                };
                self.choose(words[1], Choice::Resolve(resolution), rest(3))
            }
            "declare-lost" => {
                let (request, region) = (self.request(), words[1].into());
                Command::DeclareLost { request, region, reason: rest(2) }
            }
            "restore" => {
                let (request, region) = (self.request(), words[1].into());
                Command::RestoreRegion { request, region, reason: rest(2) }
            }
            "capacity" => {
                let (request, resource) = (self.request(), words[1].into());
                Command::SetCapacity { request, resource, capacity: words[2].parse().ok(), reason: rest(3) }
            }
            "backup" => {
                self.backup = Some(self.state.clone());
                return vec!["(a copy of the state is kept)".into()];
            }
            "restored" => return self.begin_epoch(number(words[1]), Cause::Restored),
            "forced" => return self.begin_epoch(number(words[1]), Cause::Forced),
            "recount" => self.recount(&words),
            "locks" => return self.locks(),
            "why" => return self.why(words[1]),
            "join" => self.join(&words),
            "expire" => Command::ExpireAgent { speaker: self.speaker(words[1]) },
            "begin" => Command::Begin { speaker: self.speaker(words[2]), key: self.key(words[1]) },
            "report" => self.report(&words),
            "answer" => self.answer(&words),
            "evaluate" => {
                let (run, step) = place(words[1]);
                let step = step.expect("RUN/STEP").to_owned();
                let asked =
                    self.state.evaluations().into_iter().find(|one| one.run == run && one.step == step);
                let subject = asked.map_or(Subject::When, |one| one.subject);
                let result = words[2].parse().map_err(|_| rest(2));
                Command::Evaluate { run: run.into(), step, subject, result }
            }
            "evaluate-all" => {
                let asked = self.state.evaluations().into_iter();
                let answers = asked.map(|one| {
                    let result = one.expression.evaluate(&one.facts);
                    Command::Evaluate { run: one.run, step: one.step, subject: one.subject, result }
                });
                let answers: Vec<_> = answers.collect();
                return answers.into_iter().flat_map(|answer| self.apply(answer)).collect();
            }
            "wait" => {
                self.time_ms += number(words[1]);
                let due = self.state.next_deadline_ms().is_some_and(|deadline| deadline <= self.time_ms);
                if !due {
                    return vec!["(no deadline has passed)".into()];
                }
                Command::Tick
            }
            "effects" => return self.effects(words[1]),
            "conditions" => {
                let waiting = self.state.evaluations().into_iter();
                return waiting
                    .map(|one| format!("{}/{}: {}", one.run, one.step, one.expression.source()))
                    .collect();
            }
            "show" => return self.show(words[1]),
            "recovery" => return vec![self.recovery(words[1])],
            other => panic!("the script's word `{other}` is not known"),
        };
        self.apply(command)
    }

    fn apply(&mut self, command: Command) -> Vec<String> {
        self.index += 1;
        let wall_ms = 1_700_000_000_000 + self.time_ms as i64 + self.turned_ms;
        let stamp = Stamp { time_ms: self.time_ms, wall_ms };
        let before = self.state.clone();
        let mut replies =
            self.state.apply(self.index, &Batch { stamp, term: self.term, commands: vec![command] });
        invariants::check(&self.state).expect("every invariant holds");
        match replies.remove(0) {
            Ok(answer) => {
                let mut lines = self.news();
                match answer {
                    Answer::Registered { name, version, unchanged } => {
                        lines.push(format!(
                            "registered {name} version {version}{}",
                            if unchanged { ", unchanged" } else { "" }
                        ));
                    }
                    Answer::Started { run } => lines.push(format!("started {run}")),
                    Answer::Decided { .. } | Answer::Begun | Answer::Recorded | Answer::Done => {}
                }
                if lines.is_empty() { vec!["ok".into()] } else { lines }
            }
            Err(rejection) => {
                assert_eq!(before.runs, self.state.runs, "a rejected command changes nothing");
                assert_eq!(before.agents, self.state.agents, "a rejected command changes nothing");
                vec![format!("{}: {rejection}", kind(&rejection))]
            }
        }
    }

    /// Events that no earlier answer has shown.
    fn news(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let several = self.state.runs.len() > 1;
        for (id, run) in &self.state.runs {
            let seen = self.seen.entry(id.clone()).or_default();
            for record in &run.timeline[*seen..] {
                let prefix = if several { format!("{id}: ") } else { String::new() };
                lines.push(format!("{prefix}{}", record.event.text()));
            }
            *seen = run.timeline.len();
        }
        lines
    }

    fn plan(&mut self, name: &str, spec: &str) -> Vec<String> {
        let source = document(name, spec);
        let plan = match baton_plan::check(&source) {
            Ok(checked) => checked.plan,
            Err(problems) => panic!("{}", baton_plan::problem::render(&source, name, &problems)),
        };
        let request = self.request();
        self.apply(Command::RegisterPlan { request, plan: Box::new(plan), source })
    }

    fn request(&mut self) -> Request {
        self.requests += 1;
        let operator = if self.operator.is_empty() { "ana" } else { &self.operator };
        Request {
            id: format!("request-{}", self.requests),
            operator: operator.into(),
            roles: self.roles.clone(),
        }
    }

    fn decide(&mut self, run: &str, decision: Decision, reason: String) -> Command {
        Command::Decide { request: self.request(), run: run.into(), decision, reason }
    }

    fn choose(&mut self, at: &str, choice: Choice, reason: String) -> Command {
        let (run, step) = place(at);
        let step = step.expect("RUN/STEP").to_owned();
        self.decide(run, Decision::Step { step, choice }, reason)
    }

    /// `start PLAN [version=N] [graceful] [drill] [queue] [PARAM=VALUE…]`
    fn start(&mut self, words: &[&str]) -> Command {
        let mut params = pairs(&words[2..]);
        let version = params.remove("version").map(|version| number(&version) as u32);
        let mode = if words.contains(&"graceful") { Mode::Graceful } else { Mode::Ungraceful };
        let (drill, queue) = (words.contains(&"drill"), words.contains(&"queue"));
        let (request, plan) = (self.request(), words[1].into());
        Command::StartRun { request, plan, version, params, mode, drill, queue }
    }

    /// What happened since the copy was made is lost.
    fn begin_epoch(&mut self, epoch: u64, cause: Cause) -> Vec<String> {
        self.state = self.backup.clone().expect("`backup` came before");
        for (id, seen) in &mut self.seen {
            *seen = self.state.runs.get(id).map_or(0, |run| run.timeline.len());
        }
        self.apply(Command::BeginEpoch { epoch, cause })
    }

    /// `recount AGENT [held RUN/STEP#ATTEMPT@TOKEN…] [over RUN/STEP#0@TOKEN…]`
    fn recount(&self, words: &[&str]) -> Command {
        let (mut held, mut over, mut is_over) = (Vec::new(), Vec::new(), false);
        for word in &words[2..] {
            match *word {
                "held" => is_over = false,
                "over" => is_over = true,
                key if is_over => over.push(self.key(key)),
                key => held.push(self.key(key)),
            }
        }
        Command::Recount { speaker: self.speaker(words[1]), held, over }
    }

    fn locks(&self) -> Vec<String> {
        let locks = self.state.locks.by_name.iter();
        let lines: Vec<_> = locks.map(|(name, lock)| lock.text_with_age(name, self.time_ms)).collect();
        if lines.is_empty() { vec!["(no lock is held)".into()] } else { lines }
    }

    /// What a person is told about a step that waits for one.
    fn why(&self, at: &str) -> Vec<String> {
        let (run, step) = place(at);
        let run = &self.state.runs[run];
        let index = scope::find(run, &self.state.plans, step.expect("RUN/STEP")).expect("a step");
        let Some(doubt) = self.state.doubt(run, index, self.time_ms) else {
            return vec!["(nobody is asked)".into()];
        };
        let choices = doubt.choices.into_iter().map(|one| format!("- {}: {}", one.command, one.effect));
        std::iter::once(doubt.known).chain(choices).collect()
    }

    fn join(&mut self, words: &[&str]) -> Command {
        let options = pairs(&words[3..]);
        let option = |name: &str, default: &str| options.get(name).cloned().unwrap_or_else(|| default.into());
        let join = Join {
            speaker: Speaker { agent: words[1].into(), incarnation: option("journal", "1") },
            region: words[2].into(),
            host: option("host", &format!("host-of-{}", words[1])),
            boot: option("boot", "1"),
            slots: number(&option("slots", "4")) as u32,
            labels: BTreeMap::new(),
        };
        self.joins.insert(words[1].into(), join.clone());
        Command::JoinAgent(join)
    }

    fn speaker(&self, agent: &str) -> Speaker {
        match agent.split_once('@') {
            Some((agent, journal)) => Speaker { agent: agent.into(), incarnation: journal.into() },
            None => self.joins[agent].speaker.clone(),
        }
    }

    /// `RUN/STEP#ATTEMPT`, or `RUN/STEP?` for the probe that is being asked. With `@TOKEN` whatever it says: the state
    /// may not know of it.
    fn key(&self, text: &str) -> AttemptKey {
        let (run, step) = text.split_once('/').expect("RUN/STEP");
        let (step, attempt) = step.split_once(['#', '?']).expect("STEP#ATTEMPT or STEP?");
        if let Some((attempt, token)) = attempt.split_once('@') {
            let (attempt, token) = (number(attempt) as u32, number(token));
            return AttemptKey { run: run.into(), step: step.into(), attempt, token };
        }
        let found = &self.state.runs[run];
        let index = scope::find(found, &self.state.plans, step).expect("a step of the run");
        let state = &found.steps[index];
        let (attempt, token) = match attempt {
            "" => (state.attempts.len() as u32, state.question.as_ref().map_or(0, |question| question.token)),
            attempt => {
                let attempt = number(attempt) as u32;
                (attempt, state.attempts.iter().find(|one| one.number == attempt).map_or(0, |one| one.token))
            }
        };
        AttemptKey { run: run.into(), step: step.into(), attempt, token }
    }

    fn report(&self, words: &[&str]) -> Command {
        let outputs = pairs(&words[4..]);
        let rest = words[4..].join(" ");
        let mut ending = Ending::default();
        match words[3] {
            "succeeded" => {
                (ending.outcome, ending.exit_code, ending.outputs) =
                    (Some(Outcome::Succeeded), Some(0), outputs);
            }
            "failed" => (ending.outcome, ending.exit_code) = (Some(Outcome::Failed), rest.parse().ok()),
            "unknown" => (ending.outcome, ending.reason) = (Some(Outcome::Unknown), rest),
            "not-started" => ending.reason = rest,
            other => panic!("outcome {other}"),
        }
        Command::Report { speaker: self.speaker(words[2]), key: self.key(words[1]), ending }
    }

    fn answer(&self, words: &[&str]) -> Command {
        let answer = match words[3] {
            "happened" => Answered::Happened,
            "did-not-happen" => Answered::DidNotHappen,
            "unknown" => Answered::Unknown,
            other => panic!("answer {other}"),
        };
        let (speaker, key) = (self.speaker(words[2]), self.key(words[1]));
        Command::AnswerProbe { speaker, key, answer, reason: words[4..].join(" ") }
    }

    fn effects(&self, agent: &str) -> Vec<String> {
        let effects = self.state.effects_for(agent, |_, _| false);
        if effects.is_empty() {
            return vec!["(nothing)".into()];
        }
        let lines = effects.into_iter().map(|effect| match effect {
            Effect::Assign(one) => {
                let what = if one.probe { "ask" } else { "do" };
                let AttemptKey { run, step, attempt, token } = one.key;
                format!("{what} {run}/{step}#{attempt} token {token}: {}", performed(&one.action))
            }
            Effect::Stop { key, .. } => format!("stop {}/{}#{}", key.run, key.step, key.attempt),
        });
        lines.collect()
    }

    fn recovery(&self, id: &str) -> String {
        let run = &self.state.runs[id];
        let recovery = run.recovery(&self.state.version_of(run).plan, self.time_ms);
        let counts = if recovery.is_over { "over" } else { "counting" };
        format!("{}ms, {counts}", recovery.elapsed_ms)
    }

    fn show(&self, id: &str) -> Vec<String> {
        let run = &self.state.runs[id];
        let mut lines = vec![format!(
            "{} {}{}",
            run.status.word(),
            run.why(&self.state.plans).unwrap_or_default(),
            if run.needs_operator() { " (needs an operator)" } else { "" }
        )];
        for (index, state) in run.steps.iter().enumerate() {
            let reason = state.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            lines.push(format!(
                "{:<12} {:<10} attempts {}{reason}",
                scope::name(run, &self.state.plans, index),
                state.status.word(),
                state.attempts.len()
            ));
        }
        lines
    }
}

fn document(name: &str, spec: &str) -> String {
    let spec: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    format!("apiVersion: baton/v1\nkind: Plan\nmetadata:\n  name: {name}\nspec:\n{spec}")
}

/// `RUN` or `RUN/STEP`; a step's name may have more slashes.
fn place(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((run, step)) => (run, Some(step)),
        None => (text, None),
    }
}

fn kind(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::NotFound(_) => "not found",
        Rejection::Invalid(_) => "invalid",
        Rejection::Refused(_) => "refused",
        Rejection::RequestReused(_) => "request reused",
        Rejection::NotCurrent(_) => "not current",
        Rejection::Deposed => "deposed",
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

fn pairs(words: &[&str]) -> BTreeMap<String, String> {
    let pair = |word: &&str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    words.iter().filter_map(pair).collect()
}

/// An action in a script's words: a plain process is its arguments.
fn performed(action: &Performed) -> String {
    match action {
        Performed::Call(Call::Process { argv, secrets }) if secrets.is_empty() => {
            format!("Command({argv:?})")
        }
        other => format!("{other:?}"),
    }
}
