//! The texts of a work.

use crate::plan::{Action, Approval, Command, Manual, Probe, Work};
use crate::reference::Template;

impl Work {
    /// Every text in which references are filled in, of the action and the probe.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Template> {
        let texts = match &self.action {
            Action::Command(command) => command.texts(),
            Action::Approval(approval) => vec![&approval.message],
            Action::Manual(manual) => vec![&manual.instructions],
            action => action.question().map(Command::texts).unwrap_or_default(),
        };
        let probe = self.probe.as_ref().map(|probe| probe.command.texts()).unwrap_or_default();
        texts.into_iter().chain(probe)
    }

    /// The same work with other texts.
    pub(crate) fn with_texts(self, change: impl Fn(&Template) -> Template) -> Self {
        let action = match self.action {
            Action::Command(command) => Action::Command(command.with_texts(&change)),
            Action::WaitUntil { probe, interval_ms } => {
                Action::WaitUntil { probe: probe.with_texts(&change), interval_ms }
            }
            Action::WaitStable { probe, interval_ms, stable_ms } => {
                Action::WaitStable { probe: probe.with_texts(&change), interval_ms, stable_ms }
            }
            Action::Approval(approval) => {
                Action::Approval(Approval { message: change(&approval.message), ..approval })
            }
            Action::Manual(manual) => {
                Action::Manual(Manual { instructions: change(&manual.instructions), ..manual })
            }
            other => other,
        };
        let probe = self.probe.map(|probe| Probe { command: probe.command.with_texts(&change), ..probe });
        Self { action, probe, ..self }
    }
}

impl Command {
    fn texts(&self) -> Vec<&Template> {
        match self {
            Self::Argv(arguments) => arguments.iter().collect(),
            Self::Shell(_) => Vec::new(),
            Self::Secretive { run, secrets } => {
                run.texts().into_iter().chain(secrets.iter().map(|(_, place)| place)).collect()
            }
            Self::Native(native) => native.texts(),
        }
    }

    fn with_texts(self, change: &impl Fn(&Template) -> Template) -> Self {
        match self {
            Self::Argv(arguments) => Self::Argv(arguments.iter().map(change).collect()),
            Self::Secretive { run, secrets } => Self::Secretive {
                run: Box::new(run.with_texts(change)),
                secrets: secrets.iter().map(|(name, place)| (name.clone(), change(place))).collect(),
            },
            Self::Native(native) => Self::Native(native.with_texts(change)),
            shell => shell,
        }
    }
}
