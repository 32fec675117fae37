//! A line a change: for pipes, logs and terminals that cannot be drawn on.

use baton_client::view::RunView;

use super::Screen;
use super::changes::changes;
use crate::failure::Failure;
use crate::{output, talk};

/// Writes lines, to stdout where they are what was asked for, else to stderr.
#[derive(Debug)]
pub(crate) struct Plain {
    known: Option<RunView>,
    to_stdout: bool,
    /// It is said once that a coordinator is gone, however many fail us until the next change.
    lost: bool,
}

impl Plain {
    pub(crate) fn new(to_stdout: bool) -> Self {
        Self { known: None, to_stdout, lost: false }
    }
}

impl Screen for Plain {
    fn changed(&mut self, run: &RunView) -> Result<(), Failure> {
        for line in changes(self.known.as_ref(), run) {
            if self.to_stdout {
                output::write(&format!("{line}\n"))?;
            } else {
                talk::say(line);
            }
        }
        self.known = Some(run.clone());
        self.lost = false;
        Ok(())
    }

    fn lost(&mut self, why: &str) {
        if !std::mem::replace(&mut self.lost, true) {
            talk::say(format!("the coordinator is gone ({why}); looking for the next leader"));
        }
    }
}

/// Shows nothing: for programs that want the end alone.
#[derive(Debug)]
pub(crate) struct Silent;

impl Screen for Silent {
    fn changed(&mut self, _: &RunView) -> Result<(), Failure> {
        Ok(())
    }

    fn lost(&mut self, _: &str) {}
}
