//! What clients ask of the cluster while faults happen: one file a workload.

mod effects;
mod fencing;
mod limits;
mod probed;
mod races;
mod registers;
mod session;
mod storm;
mod undo;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use baton_client::Client;

use crate::recorder::Recorder;
pub(crate) use limits::CAPACITY;
pub(crate) use session::Session;

/// What to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Workload {
    /// Runs of non-idempotent and idempotent steps, counted at their targets
    Effects,
    /// Non-idempotent steps whose target can be asked whether it happened
    Probed,
    /// Runs that fail at their end, and are undone
    Undo,
    /// Approvals, declines, pauses, resumes and cancels from several people at once
    Races,
    /// Locks and resources, with targets that notice a second holder
    Limits,
    /// Steps in two regions on one target that refuses older tokens
    Fencing,
    /// Plans and runs as registers, for linearizability
    Registers,
    /// Short runs, each asked for twice under one request id
    Storm,
}

/// What every client knows.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) recorder: Arc<Recorder>,
    /// The witness's folder.
    pub(crate) witness: PathBuf,
    /// The program that steps run.
    pub(crate) program: PathBuf,
    pub(crate) stop: Arc<AtomicBool>,
}

impl World {
    /// The safety phase is over: begin nothing new.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A step's `command`, as a list in YAML; `class` is its repeat class.
    pub(crate) fn command(&self, what: &str, class: &str, busy_ms: u64, more: &[&str]) -> String {
        let (program, witness, busy) =
            (self.program.display().to_string(), self.witness.display().to_string(), busy_ms.to_string());
        let mut words = vec![&*program, "target", what, "--witness", &witness, "--class", class];
        if busy_ms > 0 {
            words.extend(["--busy-ms", &busy]);
        }
        words.extend(more);
        serde_json::to_string(&words).expect("texts are JSON")
    }
}

/// A plan's text.
pub(crate) fn plan(name: &str, spec: &str, steps: &[String]) -> String {
    let steps: String = steps.iter().map(|step| format!("    - {step}\n")).collect();
    format!("apiVersion: baton/v1\nkind: Plan\nmetadata: {{name: {name}}}\nspec:\n{spec}  steps:\n{steps}")
}

impl Workload {
    /// All of them.
    pub(crate) const ALL: [Workload; 8] = [
        Self::Effects,
        Self::Probed,
        Self::Undo,
        Self::Races,
        Self::Limits,
        Self::Fencing,
        Self::Registers,
        Self::Storm,
    ];

    /// Its word on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Effects => "effects",
            Self::Probed => "probed",
            Self::Undo => "undo",
            Self::Races => "races",
            Self::Limits => "limits",
            Self::Fencing => "fencing",
            Self::Registers => "registers",
            Self::Storm => "storm",
        }
    }

    /// The plans that must be there before it begins.
    pub(crate) fn plans(self, world: &World) -> Vec<String> {
        match self {
            Self::Effects => effects::plans(world),
            Self::Probed => probed::plans(world),
            Self::Undo => undo::plans(world),
            Self::Races => races::plans(world),
            Self::Limits => limits::plans(world),
            Self::Fencing => fencing::plans(world),
            Self::Registers => registers::plans(),
            Self::Storm => storm::plans(world),
        }
    }

    /// How many clients it wants at least.
    fn least_clients(self) -> usize {
        match self {
            Self::Races | Self::Registers => 3,
            Self::Limits | Self::Fencing => 2,
            _ => 1,
        }
    }

    /// How many clients it gets among so many workloads.
    pub(crate) fn clients(self, workloads: usize) -> usize {
        self.least_clients().max(5 / workloads.max(1))
    }

    /// One client's life, until the world says that it is over.
    pub(crate) async fn client(self, session: Session) {
        match self {
            Self::Effects => effects::client(session).await,
            Self::Probed => probed::client(session).await,
            Self::Undo => undo::client(session).await,
            Self::Races => races::client(session).await,
            Self::Limits => limits::client(session).await,
            Self::Fencing => fencing::client(session).await,
            Self::Registers => registers::client(session).await,
            Self::Storm => storm::client(session).await,
        }
    }
}
