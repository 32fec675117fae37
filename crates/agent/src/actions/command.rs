//! `command`: one process, whose exit is the step's.

use crate::supervisor::{Ended, Watch};

/// Runs the process to its end.
pub(crate) fn perform(watch: &mut Watch, argv: &[String]) -> Ended {
    watch.run(argv)
}
