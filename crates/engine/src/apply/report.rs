use baton_plan::plan::StepIndex;

use crate::command::{Answer, AttemptKey, Ending, Reply, Speaker};
use crate::event::Event;
use crate::stamp::Moment;
use crate::state::State;
use crate::step::{Attempt, Direction, Outcome, Status};
use crate::turn::Turn;

impl State {
    /// How an attempt ended. A report is never dropped (semantics R7): one for the current attempt
    /// decides it, one for an earlier attempt is kept as evidence.
    pub(super) fn report(
        &mut self,
        at: Moment,
        speaker: &Speaker,
        key: &AttemptKey,
        ending: &Ending,
    ) -> Reply {
        if self.keep_for_later(at, key, ending) {
            return Ok(Answer::Recorded);
        }
        let index = self.locate(key)?;
        let state = &self.runs[&key.run].steps[index];
        // An exit record that outlived its agent's journal still tells how an attempt in doubt ended.
        let tells = |attempt: &Attempt| {
            attempt.is_under_way() || {
                attempt.outcome == Some(Outcome::Unknown)
                    && ending.outcome.is_some_and(|said| said != Outcome::Unknown)
            }
        };
        let of_agent = |attempt: &Attempt| {
            attempt.token == key.token && attempt.speaker.agent == speaker.agent && tells(attempt)
        };
        let current = state.current().is_some_and(of_agent);
        let status = state.status;
        let awaited = matches!(status, Status::Running | Status::Undoing | Status::Probing | Status::InDoubt);
        if current && awaited {
            self.with_run(at, &key.run, |turn| turn.ended(index, ending));
        } else if state.attempts.iter().any(|attempt| attempt.token == key.token) {
            self.with_run(at, &key.run, |turn| turn.late(index, speaker, key, ending));
        }
        Ok(Answer::Recorded)
    }
}

impl Turn<'_> {
    pub(crate) fn ended(&mut self, index: StepIndex, ending: &Ending) {
        let Some(outcome) = ending.outcome else {
            return self.never_started(index, &ending.reason);
        };
        let stopping = self.run.steps[index].attempt().is_some_and(|attempt| attempt.stopping);
        self.write_down(index, outcome, ending);
        let exited = outcome != Outcome::Unknown && ending.exit_code.is_some();
        if stopping && outcome == Outcome::Failed && self.work(index).idempotent {
            self.stopped(index);
        } else if self.work(index).success.is_some() && exited {
            // The exit code may lie: what the plan says about it is evaluated first.
            self.state(index).unjudged = Some(Box::new(ending.clone()));
            self.state(index).reason = Some("what it answered is being judged".into());
        } else {
            self.take_outcome(index, outcome, ending);
        }
    }

    /// The outcome counts, by the action's own word or by what `success` says of it.
    pub(super) fn take_outcome(&mut self, index: StepIndex, outcome: Outcome, ending: &Ending) {
        match outcome {
            Outcome::Succeeded => {
                if self.run.steps[index].direction == Direction::Do {
                    self.state(index).outputs = ending.outputs.clone().into();
                }
                self.succeed(index, None);
            }
            Outcome::Failed => self.said_failed(index, ending),
            // What that means is decided when the run settles.
            Outcome::Unknown => self.let_go_of_question(index),
        }
    }

    /// The agent ended it as it was told: it is over, or it is done otherwise now.
    fn stopped(&mut self, index: StepIndex) {
        if self.is_going(index) {
            self.let_go(index);
            return self.turn_to(index, Status::Waiting, Some("the run was escalated".into()));
        }
        self.again(index, "it was stopped".into());
    }

    /// The agent proves that the attempt never acted and never will.
    fn never_started(&mut self, index: StepIndex, reason: &str) {
        self.state(index).losses += 1;
        let pause_ms = 250u64 << self.run.steps[index].losses.min(7);
        let not_before_ms = self.now_ms() + pause_ms;
        self.withdraw(index, reason);
        let pause = baton_plan::duration::written(pause_ms);
        let state = self.state(index);
        state.not_before_ms = not_before_ms;
        state.reason = Some(format!("it never started: {reason}; attempted again after {pause}"));
        if self.run.steps[index].status == Status::Waiting && !self.is_going(index) {
            self.cancel_step(index);
        }
    }

    fn write_down(&mut self, index: StepIndex, outcome: Outcome, ending: &Ending) {
        let at = self.at;
        let reason = (!ending.reason.is_empty()).then(|| ending.reason.clone());
        let Some(attempt) = self.attempt(index) else { return };
        // An attempt that had lapsed is accounted for: its agent knows how it ended.
        (attempt.lapsed, attempt.gone) = (false, true);
        (attempt.outcome, attempt.ended) = (Some(outcome), Some(at));
        (attempt.exit_code, attempt.reason) = (ending.exit_code, reason.clone());
        attempt.cut_short = outcome == Outcome::Failed && ending.exit_code.is_none();
        (attempt.stdout, attempt.stderr) = (ending.stdout.clone(), ending.stderr.clone());
        let (number, exit_code, speaker, token) =
            (attempt.number, attempt.exit_code, Speaker::clone(&attempt.speaker), attempt.token);
        self.agents.release(&speaker, token, at.index);
        let step = self.name(index);
        let direction = self.run.steps[index].direction;
        self.record(Event::AttemptEnded { step, attempt: number, outcome, exit_code, reason, direction });
    }

    /// The action said that it failed: again while attempts are left, and for a step that is not
    /// idempotent only where a probe or the exit code speaks for it (semantics section 4, rule 2).
    fn said_failed(&mut self, index: StepIndex, ending: &Ending) {
        let work = self.work(index);
        let no_effect = ending.exit_code.is_some_and(|code| work.no_effect.contains(&code));
        let may_repeat = work.idempotent || no_effect || work.probe.is_some();
        let attempts_allowed = work.retry.attempts;
        let state = self.state(index);
        state.failures += 1;
        let reason = why_failed(ending);
        if state.failures >= attempts_allowed || !may_repeat {
            return self.fail(index, reason);
        }
        self.let_go_of_question(index);
        self.state(index).reason = Some(reason.clone());
        if no_effect {
            self.again(index, format!("{reason}, which says that nothing happened"));
        } else if work.idempotent {
            self.again(index, reason);
        }
    }

    /// A report on an attempt that is no longer awaited: evidence, and nothing else.
    fn late(&mut self, index: StepIndex, speaker: &Speaker, key: &AttemptKey, ending: &Ending) {
        let Some(attempt) =
            self.run.steps[index].attempts.iter_mut().find(|attempt| attempt.token == key.token)
        else {
            return;
        };
        if is_repeated(attempt, ending) {
            return;
        }
        // What another agent says of an attempt that is still under way is no end of it.
        if !attempt.is_under_way() {
            attempt.keep_as_evidence(ending);
        }
        let (number, direction) = (attempt.number, attempt.direction);
        self.state(index).changed = self.at.index;
        let step = self.name(index);
        self.record(Event::LateReport {
            direction,
            step,
            attempt: number,
            agent: speaker.agent.clone(),
            outcome: ending.outcome,
            exit_code: ending.exit_code,
        });
    }
}

impl Attempt {
    fn keep_as_evidence(&mut self, ending: &Ending) {
        self.exit_code = self.exit_code.or(ending.exit_code);
        let said = ending.outcome.map_or("never started", Outcome::word);
        self.reason = Some(format!("reported late: {said}"));
        (self.stdout, self.stderr) = (ending.stdout.clone(), ending.stderr.clone());
        // What provably never started has certainly not happened.
        let known = ending.outcome.unwrap_or(Outcome::Failed);
        self.outcome = self.outcome.filter(|outcome| *outcome != Outcome::Unknown).or(Some(known));
    }
}

/// The same report again, because its acknowledgement was lost (the matrix's M07).
fn is_repeated(attempt: &Attempt, ending: &Ending) -> bool {
    let never_started = ending.outcome.is_none() && attempt.outcome == Some(Outcome::Failed);
    never_started
        || (attempt.outcome == ending.outcome && attempt.exit_code == ending.exit_code && attempt.gone)
        || attempt.reason.as_deref().is_some_and(|reason| reason.starts_with("reported late"))
}

fn why_failed(ending: &Ending) -> String {
    match (ending.exit_code, ending.reason.is_empty()) {
        (_, false) => ending.reason.clone(),
        (Some(code), true) => format!("exit code {code}"),
        (None, true) => "the action said that it failed".into(),
    }
}
