//! What the outside world should be doing now: read off the state, never stored.

use std::collections::BTreeMap;

use baton_plan::expression::{Expression, Facts};
use baton_plan::plan::{Action, Command};

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
    /// Start this process.
    Command(Vec<String>),
    /// Nothing.
    Noop,
    /// Ask this again and again until it exits with 0.
    WaitUntil {
        /// The probe.
        argv: Vec<String>,
        /// Pause between two questions, milliseconds.
        interval_ms: u64,
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

/// A process's argument list, references filled in by `fill`.
pub(crate) fn argv<E>(
    command: &Command,
    mut fill: impl FnMut(&baton_plan::reference::Template) -> Result<String, E>,
) -> Result<Vec<String>, E> {
    match command {
        Command::Shell(text) => Ok(vec!["sh".into(), "-c".into(), text.clone()]),
        Command::Argv(elements) => elements.iter().map(&mut fill).collect(),
    }
}

/// The plan's action as an agent performs it; `None` where no agent is needed.
pub(crate) fn performed<E>(
    action: &Action,
    fill: impl FnMut(&baton_plan::reference::Template) -> Result<String, E>,
) -> Option<Result<Performed, E>> {
    match action {
        Action::Command(command) => Some(argv(command, fill).map(Performed::Command)),
        Action::Noop => Some(Ok(Performed::Noop)),
        Action::WaitUntil { probe, interval_ms } => {
            Some(argv(probe, fill).map(|argv| Performed::WaitUntil { argv, interval_ms: *interval_ms }))
        }
        Action::WaitFor(_)
        | Action::Approval(_)
        | Action::Manual(_)
        | Action::Gate(_)
        | Action::Barrier(_)
        | Action::Child(_) => None,
    }
}
