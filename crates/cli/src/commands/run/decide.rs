//! What a person decides about a run or one of its steps: a command each, one request for all.

use baton_client::{Choice, Decision, Resolution};
use clap::ValueEnum;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::operator::Decider;
use crate::output::{self, Output};

/// The flags of every decision.
#[derive(Debug, clap::Args)]
pub(crate) struct Terms {
    #[command(flatten)]
    decider: Decider,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

/// Flags of a decision about a whole run.
#[derive(Debug, clap::Args)]
pub(crate) struct OfRun {
    /// The run's id
    run: String,
    /// Why; stands in the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) terms: Terms,
}

/// Flags of `baton run cancel`.
#[derive(Debug, clap::Args)]
pub(crate) struct Cancel {
    /// Take back what was done, in reverse order of the graph
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    pub(super) of_run: OfRun,
}

/// Flags of `baton run escalate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Escalate {
    /// The run's id
    run: String,
    /// Only this step; the whole run without it
    step: Option<String>,
    /// Why; stands in the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) terms: Terms,
}

/// Flags of a decision about one step.
#[derive(Debug, clap::Args)]
pub(crate) struct OfStep {
    /// The run's id
    run: String,
    /// The step's name, as `baton run show` prints it
    step: String,
    /// Why; stands in the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) terms: Terms,
}

/// Flags of a decision about one step that overrules the plan.
#[derive(Debug, clap::Args)]
pub(crate) struct Overruling {
    /// The run's id
    run: String,
    /// The step's name, as `baton run show` prints it
    step: String,
    /// Why; stands in the record
    #[arg(long, value_name = "TEXT", value_parser = words)]
    reason: String,
    #[command(flatten)]
    pub(super) terms: Terms,
}

/// Flags of `baton run done`.
#[derive(Debug, clap::Args)]
pub(crate) struct Done {
    /// The run's id
    run: String,
    /// The step's name, as `baton run show` prints it
    step: String,
    /// What shows that it is done: a ticket, a reading, what you saw; stands in the record
    #[arg(long, value_name = "TEXT", value_parser = words)]
    evidence: String,
    #[command(flatten)]
    pub(super) terms: Terms,
}

/// Flags of `baton run resolve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Resolve {
    /// The run's id
    run: String,
    /// The step's name, as `baton run show` prints it
    step: String,
    /// What became of it; `retry` when it is known not to have happened
    #[arg(long = "as", value_name = "succeeded|failed|retry", value_enum, hide_possible_values = true)]
    verdict: Verdict,
    /// How you know; stands in the record
    #[arg(long, value_name = "TEXT", value_parser = words)]
    reason: String,
    #[command(flatten)]
    pub(super) terms: Terms,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Verdict {
    Succeeded,
    Failed,
    Retry,
}

/// Text that says something.
pub(crate) fn words(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        Err("some words are needed: they stand in the record")
    } else {
        Ok(text.to_owned())
    }
}

/// What is decided, about which run, why, and on which terms.
#[derive(Debug)]
pub(super) struct Decided {
    run: String,
    decision: Decision,
    reason: String,
    terms: Terms,
}

impl OfRun {
    pub(super) fn decides(self, decision: Decision) -> Decided {
        Decided { run: self.run, decision, reason: self.reason.unwrap_or_default(), terms: self.terms }
    }
}

impl Cancel {
    pub(super) fn decides(self) -> Decided {
        self.of_run.decides(Decision::Cancel { undo: self.undo })
    }
}

impl Escalate {
    pub(super) fn decides(self) -> Decided {
        let decision = Decision::Escalate { step: self.step };
        Decided { run: self.run, decision, reason: self.reason.unwrap_or_default(), terms: self.terms }
    }
}

impl OfStep {
    pub(super) fn decides(self, choice: Choice) -> Decided {
        let decision = Decision::Step { step: self.step, choice };
        Decided { run: self.run, decision, reason: self.reason.unwrap_or_default(), terms: self.terms }
    }
}

impl Overruling {
    pub(super) fn decides(self, choice: Choice) -> Decided {
        let decision = Decision::Step { step: self.step, choice };
        Decided { run: self.run, decision, reason: self.reason, terms: self.terms }
    }
}

impl Done {
    pub(super) fn decides(self) -> Decided {
        let decision = Decision::Step { step: self.step, choice: Choice::Finish };
        Decided { run: self.run, decision, reason: self.evidence, terms: self.terms }
    }
}

impl Resolve {
    pub(super) fn decides(self) -> Decided {
        let resolution = match self.verdict {
            Verdict::Succeeded => Resolution::Succeeded,
            Verdict::Failed => Resolution::Failed,
            Verdict::Retry => Resolution::Retry,
        };
        let decision = Decision::Step { step: self.step, choice: Choice::Resolve(resolution) };
        Decided { run: self.run, decision, reason: self.reason, terms: self.terms }
    }
}

/// Asks for it, and prints what became of it.
pub(super) async fn run(decided: Decided) -> Result<Exit, Failure> {
    let Decided { run, decision, reason, terms } = decided;
    let origin = terms.decider.origin()?;
    let answer = terms.connection.client()?.decide(&decision, &run, &reason, &origin).await?;
    output::print(&answer, terms.output)
}
