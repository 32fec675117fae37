//! `command`: one process, whose exit is the step's; and what the agent does itself, which is one as well.

use crate::attempt::Call;
use crate::supervisor::{Ended, Watch};

/// Runs the process to its end.
pub(crate) fn perform(watch: &mut Watch<'_>, call: &Call) -> Ended {
    watch.run(call)
}
