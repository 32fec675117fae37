//! What changed between two views of a run, a line each.

use baton_client::view::{RunView, StepView};
use owo_colors::OwoColorize;

use crate::render::{glyph, people, printable, span, style};

/// The lines that tell how `next` came out of `known`; everything, if nothing was known.
pub(crate) fn changes(known: Option<&RunView>, next: &RunView) -> Vec<String> {
    let clock = format!("[{:>7}]", span(next.elapsed_ms));
    let mut lines = Vec::new();
    if known.is_none() {
        lines.push(format!("run {} of {}, version {}", next.run, next.plan, next.plan_version));
    }
    let takeovers = known.map_or(0, |known| known.takeovers);
    if next.takeovers > takeovers {
        lines.push(format!("{} (takeover {})", "another leader took the run over".yellow(), next.takeovers));
    }
    for (place, step) in next.steps.iter().enumerate() {
        let before = known.and_then(|known| before(known, place, &step.step));
        if summary(before) != summary(Some(step)) && !(before.is_none() && step.status == "waiting") {
            lines.push(line(step));
        }
    }
    let status = known.map(|known| known.status.as_str());
    if status != Some(&next.status) && (known.is_some() || next.status != "running") {
        let reason =
            next.reason.as_ref().map(|reason| format!(": {}", printable(reason))).unwrap_or_default();
        let word = format!("{} {}", glyph(&next.status), next.status);
        lines.push(format!("{}{reason}", word.style(style(&next.status).bold())));
    } else if let Some(reason) = next.reason.as_ref().filter(|_| held_up(known, next)) {
        lines.push(format!("{}", printable(reason).yellow()));
    }
    lines.into_iter().map(|line| format!("{} {line}", clock.dimmed())).collect()
}

/// The run stands as it did, but for a reason that was not told yet.
fn held_up(known: Option<&RunView>, next: &RunView) -> bool {
    known.and_then(|known| known.reason.as_ref()) != next.reason.as_ref()
}

/// The step as it was known. The order is the plan's, so it stands where it stood: a search at
/// every change would take its time in a run of thousands of steps.
fn before<'a>(known: &'a RunView, place: usize, name: &str) -> Option<&'a StepView> {
    known.steps.get(place).filter(|step| step.step == name).or_else(|| known.step(name))
}

/// What makes a step worth a line.
fn summary(step: Option<&StepView>) -> Option<(&str, usize, Option<&str>, usize)> {
    step.map(|step| {
        let agent = step.last_attempt().and_then(|attempt| attempt.agent.as_deref());
        let agreed = step.approval.as_ref().map_or(0, |approval| approval.approved_by.len());
        (step.status.as_str(), step.attempts.len(), agent, agreed)
    })
}

fn line(step: &StepView) -> String {
    let word = format!("{} {}", glyph(&step.status), step.step);
    let mut line = format!("{} {}", word.style(style(&step.status)), step.status);
    let last = step.last_attempt();
    if let Some(agent) = last.and_then(|attempt| attempt.agent.as_deref()) {
        line += &format!(" on {agent}");
    }
    if let Some(attempt) = last.filter(|attempt| attempt.attempt > 1) {
        line += &format!(", attempt {}", attempt.attempt);
        line += if attempt.direction == "undo" { " (undo)" } else { "" };
    }
    if let Some(attempt) = last.filter(|_| step.has_ended()) {
        line += &format!(" after {}", span(attempt.elapsed_ms));
    }
    let asked = step.approval.as_ref().filter(|_| step.status == "awaiting_approval");
    if let Some(approval) = asked {
        let people = people(approval).map(|people| format!(" ({people})")).unwrap_or_default();
        return format!("{line}: {}{people}", printable(&approval.message));
    }
    let reason = step.reason.as_deref().or_else(|| last.and_then(|attempt| attempt.reason.as_deref()));
    match reason {
        Some(reason) => format!("{line}: {}", printable(reason)),
        None => line,
    }
}
