//! What an operator can do now, if the run waits for one.

use baton_client::view::{RunView, StepView};

use super::printable;

/// So many steps are told in full.
const MOST: usize = 8;

/// What is known of each step that needs a person, what can be decided, and what it would do.
pub(crate) fn advice(run: &RunView) -> Vec<String> {
    let doubtful: Vec<_> = run.steps.iter().filter(|step| step.doubt.is_some()).collect();
    let mut lines: Vec<_> = doubtful.iter().take(MOST).flat_map(|step| about(step)).collect();
    if doubtful.len() > MOST {
        lines.push(format!("… and {} more steps that need a decision", doubtful.len() - MOST));
    }
    // A failure that paused the run is decided first; its choices say how.
    if run.status == "paused" && !doubtful.iter().any(|step| step.status == "failed") {
        let id = &run.run;
        lines.push("The run is paused: nothing new starts until a person decides.".into());
        lines.push(format!("  baton run resume {id}"));
        lines.push("      goes on".into());
        lines.push(format!("  baton run cancel {id} [--undo]"));
        lines.push("      ends it; with --undo what was done is taken back".into());
    }
    lines
}

fn about(step: &StepView) -> Vec<String> {
    let Some(doubt) = &step.doubt else { return Vec::new() };
    let mut lines = vec![format!("{} is {}: {}", step.step, step.status, printable(&doubt.known))];
    for choice in &doubt.choices {
        lines.push(format!("  {}", printable(&choice.command)));
        lines.push(format!("      {}", printable(&choice.what)));
    }
    lines
}
