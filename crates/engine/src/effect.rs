//! What the outside world should be doing now: read off the state, never stored.

use std::collections::BTreeMap;

use baton_plan::expression::{Expression, Facts};
use baton_plan::native::Kind;
use baton_plan::plan::{Action, Command};
use baton_plan::reference::Template;

use crate::command::{AttemptKey, Subject};

/// What an agent should be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Do this, unless your journal says that you did.
    Assign(Assignment),
    /// End this attempt's tree and report.
    Stop {
        /// The attempt.
        key: AttemptKey,
        /// For people.
        reason: String,
    },
}

/// An attempt or a probe with everything that its agent needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The attempt; for a probe with the probe's own token.
    pub key: AttemptKey,
    /// Ask only.
    pub probe: bool,
    /// Needs no Begin, and is ended when the lease runs out.
    pub idempotent: bool,
    /// What to do, references filled in.
    pub action: Performed,
    /// `BATON_…` variables.
    pub environment: BTreeMap<String, String>,
    /// How long it may take, milliseconds.
    pub timeout_ms: u64,
}

/// An action as an agent performs it, references filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Performed {
    /// Do this.
    Call(Call),
    /// Nothing.
    Noop,
    /// Ask this again and again until it holds.
    WaitUntil {
        /// The probe.
        question: Call,
        /// Pause between two questions, milliseconds.
        interval_ms: u64,
        /// For how long it must hold without a break, milliseconds; 0: once is enough.
        stable_ms: u64,
    },
}

/// What an agent starts or does itself, references filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A process.
    Process {
        /// The program and its arguments.
        argv: Vec<String>,
        /// Variables, each with where the agent reads its value: `env:NAME` or `file:PATH`.
        secrets: BTreeMap<String, String>,
    },
    /// A native action.
    Native {
        /// The kind of target.
        kind: Kind,
        /// What is asked, as JSON.
        asked: String,
    },
}

/// An expression that the leader evaluates outside of apply.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The run.
    pub run: String,
    /// The step's name.
    pub step: String,
    /// Which of its expressions.
    pub subject: Subject,
    /// The expression.
    pub expression: Expression,
    /// What it may ask about.
    pub facts: Facts,
}

/// A command as an agent performs it, references filled in by `fill`.
pub(crate) fn call<E>(
    command: &Command,
    mut fill: impl FnMut(&Template) -> Result<String, E>,
) -> Result<Call, E> {
    match command {
        Command::Native(native) => Ok(Call::Native { kind: native.kind, asked: native.render(fill)? }),
        Command::Secretive { run, secrets } => {
            let secrets = secrets.iter().map(|(name, place)| Ok((name.clone(), fill(place)?)));
            let secrets = secrets.collect::<Result<_, E>>()?;
            Ok(Call::Process { argv: argv(run, &mut fill)?, secrets })
        }
        process => Ok(Call::Process { argv: argv(process, &mut fill)?, secrets: BTreeMap::new() }),
    }
}

/// A process's argument list; what is none has none.
fn argv<E>(
    command: &Command,
    fill: &mut impl FnMut(&Template) -> Result<String, E>,
) -> Result<Vec<String>, E> {
    match command {
        Command::Shell(text) => Ok(vec!["sh".into(), "-c".into(), text.clone()]),
        Command::Argv(elements) => elements.iter().map(fill).collect(),
        Command::Secretive { .. } | Command::Native(_) => Ok(Vec::new()),
    }
}

/// The plan's action as an agent performs it; `None` where no agent is needed.
pub(crate) fn performed<E>(
    action: &Action,
    fill: impl FnMut(&Template) -> Result<String, E>,
) -> Option<Result<Performed, E>> {
    let until = |question, interval_ms, stable_ms| Performed::WaitUntil { question, interval_ms, stable_ms };
    match action {
        Action::Command(command) => Some(call(command, fill).map(Performed::Call)),
        Action::Noop => Some(Ok(Performed::Noop)),
        Action::WaitUntil { probe, interval_ms } => {
            Some(call(probe, fill).map(|question| until(question, *interval_ms, 0)))
        }
        Action::WaitStable { probe, interval_ms, stable_ms } => {
            Some(call(probe, fill).map(|question| until(question, *interval_ms, *stable_ms)))
        }
        Action::WaitFor(_)
        | Action::Approval(_)
        | Action::Manual(_)
        | Action::Gate(_)
        | Action::Barrier(_)
        | Action::Child(_) => None,
    }
}
