//! `baton-jepsen target …`: what the steps of the workloads do. It finds who it is in the environment that Baton gives
//! to every step, and writes what happens into the witness.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use rustix::fs::{FlockOperation, flock};

use crate::recorder::monotonic_ns;
use crate::witness::{self, Seen, acting};

/// What a step does.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum Target {
    /// Takes effect at once, and is busy for a while
    Effect(Effect),
    /// Is busy for a while, and takes effect in the middle of it
    Late(Effect),
    /// Says whether the effect of `late` is there: 0 yes, 1 no
    Probe(Effect),
    /// Takes effect unless a larger token was seen on the subject
    Fenced(Effect),
    /// Holds the subject for a while
    Hold(Effect),
}

/// Where and for how long.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Effect {
    /// The witness's folder
    #[arg(long)]
    witness: PathBuf,
    /// How long it is busy
    #[arg(long, default_value_t = 0)]
    busy_ms: u64,
    /// How it ends
    #[arg(long, default_value_t = 0)]
    exit: u8,
    /// The step's repeat class: I, P or N
    #[arg(long)]
    class: String,
    /// What it happens to
    #[arg(long, default_value = "")]
    subject: String,
}

/// The exit code of a target that knows a newer token.
const REFUSED: u8 = 75;

/// Does it, and gives back the exit code.
///
/// # Errors
/// If the witness cannot be written.
pub(crate) fn run(target: &Target) -> anyhow::Result<u8> {
    match target {
        Target::Effect(effect) => {
            effect.sees("began", "")?;
            effect.sees("applied", "")?;
            effect.is_busy(1);
            effect.sees("ended", "")?;
            Ok(effect.exit)
        }
        Target::Late(effect) => {
            effect.sees("began", "")?;
            effect.is_busy(2);
            effect.sees("applied", "")?;
            effect.is_busy(2);
            effect.sees("ended", "")?;
            Ok(effect.exit)
        }
        Target::Probe(effect) => effect.happened().map(|happened| u8::from(!happened)),
        Target::Fenced(effect) => effect.fenced(),
        Target::Hold(effect) => {
            effect.sees("began", "")?;
            effect.sees("applied", "")?;
            effect.sees("began", &effect.subject)?;
            effect.is_busy(1);
            effect.sees("ended", &effect.subject)?;
            effect.sees("ended", "")?;
            Ok(effect.exit)
        }
    }
}

impl Effect {
    fn is_busy(&self, part: u64) {
        std::thread::sleep(Duration::from_millis(self.busy_ms / part));
    }

    fn line(&self, what: &str, subject: &str) -> anyhow::Result<Seen> {
        let number = |name| -> anyhow::Result<u64> { Ok(variable(name)?.parse()?) };
        Ok(Seen {
            time: monotonic_ns(),
            what: what.to_owned(),
            run: variable("BATON_RUN")?,
            step: variable("BATON_STEP")?,
            attempt: number("BATON_ATTEMPT")?,
            token: number("BATON_TOKEN")?,
            direction: variable("BATON_DIRECTION")?,
            request: variable("BATON_REQUEST_ID")?,
            subject: subject.to_owned(),
            class: self.class.clone(),
            pid: std::process::id(),
        })
    }

    fn sees(&self, what: &str, subject: &str) -> anyhow::Result<()> {
        let line = self.line(what, subject)?;
        line.append(&self.file(subject)?)?;
        if subject.is_empty() { acting::mark(&self.witness, &line) } else { Ok(()) }
    }

    fn file(&self, subject: &str) -> anyhow::Result<PathBuf> {
        let name = if subject.is_empty() {
            format!("run-{}", variable("BATON_RUN")?)
        } else {
            format!("subject-{subject}")
        };
        Ok(self.witness.join(format!("{name}.jsonl")))
    }

    fn happened(&self) -> anyhow::Result<bool> {
        let (own, seen) = (self.line("asked", "")?, witness::read_target(&self.file("")?)?);
        Ok(seen.iter().any(|line| line.what == "applied" && line.key() == own.key()))
    }

    /// The target's own check: it remembers the largest token, and refuses a smaller one.
    fn fenced(&self) -> anyhow::Result<u8> {
        self.sees("began", "")?;
        let _lock = locked(&self.witness.join(format!("{}.lock", self.subject)))?;
        let own = self.line("applied", &self.subject)?;
        let seen = witness::read_target(&self.file(&self.subject)?)?;
        let largest = seen.iter().filter(|line| line.what == "applied").map(|line| line.token).max();
        let refused = largest.is_some_and(|largest| own.token < largest);
        if refused {
            self.sees("refused", &self.subject)?;
            return Ok(REFUSED);
        }
        own.append(&self.file(&self.subject)?)?;
        self.is_busy(1);
        self.sees("ended", "")?;
        Ok(self.exit)
    }
}

fn variable(name: &str) -> anyhow::Result<String> {
    std::env::var(name)
        .with_context(|| format!("{name} is not set: this is meant to be a step of a Baton run"))
}

fn locked(path: &Path) -> anyhow::Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}
