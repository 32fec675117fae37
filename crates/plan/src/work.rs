//! The texts of a work.

use crate::plan::{Action, Approval, Command, Manual, Probe, Work};
use crate::reference::Template;

impl Work {
    /// Every text in which references are filled in, of the action and the probe.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Template> {
        let (arguments, message): (&[Template], _) = match &self.action {
            Action::Command(command) | Action::WaitUntil { probe: command, .. } => {
                (command.arguments(), None)
            }
            Action::Approval(approval) => (&[], Some(&approval.message)),
            Action::Manual(manual) => (&[], Some(&manual.instructions)),
            _ => (&[], None),
        };
        let probe = self.probe.as_ref().map(|probe| probe.command.arguments()).unwrap_or_default();
        arguments.iter().chain(message).chain(probe)
    }

    /// The same work with other texts.
    pub(crate) fn with_texts(self, change: impl Fn(&Template) -> Template) -> Self {
        let action = match self.action {
            Action::Command(command) => Action::Command(command.with_texts(&change)),
            Action::WaitUntil { probe, interval_ms } => {
                Action::WaitUntil { probe: probe.with_texts(&change), interval_ms }
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
    fn arguments(&self) -> &[Template] {
        match self {
            Self::Argv(arguments) => arguments,
            Self::Shell(_) => &[],
        }
    }

    fn with_texts(self, change: &impl Fn(&Template) -> Template) -> Self {
        match self {
            Self::Argv(arguments) => Self::Argv(arguments.iter().map(change).collect()),
            shell => shell,
        }
    }
}
