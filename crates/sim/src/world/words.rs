//! Between the engine's words and the agent's, as the wire would carry them.

use baton_agent::attempt::{self, Action, Assignment, Key, Outcome, Report};
use baton_engine::Command;
use baton_engine::command::{AttemptKey, Ending, Speaker};
use baton_engine::effect::{self, Call, Performed};
use baton_engine::step::{self, Answered};

pub(crate) fn key_down(key: &AttemptKey) -> Key {
    let AttemptKey { run, step, attempt, token } = key.clone();
    Key { run, step, attempt, token }
}

pub(crate) fn key_up(key: &Key) -> AttemptKey {
    let Key { run, step, attempt, token } = key.clone();
    AttemptKey { run, step, attempt, token }
}

pub(crate) fn assignment_down(one: effect::Assignment) -> Assignment {
    Assignment {
        key: key_down(&one.key),
        probe: one.probe,
        idempotent: one.idempotent,
        action: match one.action {
            Performed::Call(Call::Process { argv, .. }) => Action::Command(argv),
            Performed::Noop => Action::Noop,
            Performed::WaitUntil { question: Call::Process { argv, .. }, interval_ms, .. } => {
                Action::Wait { until: argv, interval_ms }
            }
            Performed::Call(native) => Action::Call(native_down(native)),
            Performed::WaitUntil { question, interval_ms, stable_ms } => {
                Action::Until { question: native_down(question), interval_ms, stable_ms }
            }
        },
        environment: one.environment,
        timeout_ms: one.timeout_ms,
    }
}

fn native_down(call: Call) -> attempt::Call {
    match call {
        Call::Process { argv, secrets } => attempt::Call::Process { argv, secrets },
        Call::Native { kind, asked } => attempt::Call::Native { kind: kind.word().to_owned(), asked },
    }
}

pub(crate) fn report_up(speaker: Speaker, report: Report) -> Command {
    let key = key_up(&report.key);
    let Report { outcome, exit_code, reason, outputs, stdout, stderr, .. } = report;
    if report.probe {
        let answer = match outcome {
            Outcome::Succeeded => Answered::Happened,
            Outcome::Failed => Answered::DidNotHappen,
            Outcome::Unknown | Outcome::NotStarted => Answered::Unknown,
        };
        return Command::AnswerProbe { speaker, key, answer, reason };
    }
    let outcome = match outcome {
        Outcome::Succeeded => Some(step::Outcome::Succeeded),
        Outcome::Failed => Some(step::Outcome::Failed),
        Outcome::Unknown => Some(step::Outcome::Unknown),
        Outcome::NotStarted => None,
    };
    let ending = Ending { outcome, exit_code, reason, outputs, stdout, stderr };
    Command::Report { speaker, key, ending }
}
