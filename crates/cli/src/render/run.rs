//! One run, as a page.

use std::fmt::Write;

use baton_client::view::{AttemptView, RunView, StepView};
use owo_colors::{OwoColorize, Style};

use super::why::{held, why};
use super::{Branch, Cell, Table, advice, glyph, printable, span, style, tree};
use crate::output::Data;

/// So many lines of what a failed step complained about.
const TAIL_LINES: usize = 5;
/// So many steps that complain are shown.
const COMPLAINTS: usize = 10;

impl Data for RunView {
    fn table(&self) -> String {
        let mut page = header(self);
        page.push('\n');
        page += &steps(self);
        if self.steps.iter().any(|step| step.critical) {
            let _ = writeln!(page, "{}", "◆ on the critical path".dimmed());
        }
        let complains = |step: &&StepView| {
            matches!(step.status.as_str(), "failed" | "in_doubt" | "undo_failed")
                && step.last_attempt().is_some()
        };
        for step in self.steps.iter().filter(complains).take(COMPLAINTS) {
            page += &complaint(step);
        }
        for line in advice(self) {
            let _ = write!(page, "\n{line}");
        }
        page.trim_end().to_owned() + "\n"
    }

    fn names(&self) -> Vec<String> {
        vec![self.run.clone()]
    }
}

fn header(run: &RunView) -> String {
    let mut header = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(header, "{} {value}", format!("{name:<10}").dimmed());
    };
    let reason = run.reason.as_ref().map(|reason| format!(": {}", printable(reason))).unwrap_or_default();
    let status = format!("{} {}", glyph(&run.status), run.status);
    line("run", run.run.bold().to_string());
    line("plan", format!("{}, version {}", run.plan, run.plan_version));
    line("status", format!("{}{reason}", status.style(style(&run.status).bold())));
    line("mode", if run.drill { format!("{}, a drill", run.mode) } else { run.mode.clone() });
    line("started", started(run));
    line("took", took(run));
    if let Some(objectives) = objectives(run) {
        line("objective", objectives);
    }
    if !run.params.is_empty() {
        let params: Vec<_> =
            run.params.iter().map(|(name, value)| format!("{name}={}", printable(value))).collect();
        line("params", params.join(" "));
    }
    for (name, value) in shared(run) {
        line(name, value);
    }
    if run.takeovers > 0 {
        line(
            "takeovers",
            format!("{} (leaders that took the run over while it was under way)", run.takeovers),
        );
    }
    if run.exceptions > 0 {
        line(
            "exceptions",
            format!("{} (optional steps that failed, undos that were skipped)", run.exceptions),
        );
    }
    header
}

/// What the run holds, what it waits for, and the child plans that it keeps.
fn shared(run: &RunView) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let awaited: Vec<_> = run.waits_for_locks.iter().map(held).collect();
    match (run.locks.is_empty(), awaited.is_empty()) {
        (_, false) => lines.push(("waits for", awaited.join("; "))),
        (false, true) if !run.has_ended() => lines.push(("locks", run.locks.join(", "))),
        _ => {}
    }
    if !run.children.is_empty() {
        let children: Vec<_> =
            run.children.iter().map(|(plan, version)| format!("{plan}, version {version}")).collect();
        lines.push(("children", children.join("; ")));
    }
    lines
}

fn started(run: &RunView) -> String {
    let at = run.started_at.map_or_else(|| "not yet".to_owned(), |at| at.to_string());
    if run.operator.is_empty() { at } else { format!("{at} by {}", printable(&run.operator)) }
}

fn took(run: &RunView) -> String {
    let so_far = if run.has_ended() { "" } else { " so far" };
    let predicted = run.predicted_ms.map(|ms| format!(" (the plan's estimates say {})", span(ms)));
    format!("{}{so_far}{}", span(run.elapsed_ms), predicted.unwrap_or_default())
}

/// What the plan promises, and whether the recovery time has held so far.
fn objectives(run: &RunView) -> Option<String> {
    let rto = run.objectives.rto_ms.map(|rto_ms| {
        let recovery = &run.recovery;
        let held = match (recovery.elapsed_ms <= rto_ms, recovery.over, run.has_ended()) {
            (false, ..) => "missed",
            (true, true, _) => "kept",
            (true, false, false) => "still within",
            (true, false, true) => "not reached",
        };
        let stop = recovery.stop.as_ref();
        let until = stop.map(|stop| format!(": {} to the end of {stop}", span(recovery.elapsed_ms)));
        format!(
            "recovery time {} ({held}{})",
            baton_plan::duration::written(rto_ms),
            until.unwrap_or_default()
        )
    });
    let rpo = run.objectives.rpo_ms.map(|ms| format!("recovery point {}", baton_plan::duration::written(ms)));
    let both: Vec<_> = rto.into_iter().chain(rpo).collect();
    (!both.is_empty()).then(|| both.join(", "))
}

fn steps(run: &RunView) -> String {
    let mut table = Table::new(&["", "STEP", "STATUS", "REGION", "AGENT", "ATTEMPTS", "TIME", "REASON"]);
    for branch in tree(run) {
        table.row(row(run, &branch));
    }
    table.text()
}

fn row(run: &RunView, branch: &Branch<'_>) -> [Cell; 8] {
    let step = branch.step;
    let last = step.last_attempt();
    let time_ms: u64 = step.attempts.iter().map(|attempt| attempt.elapsed_ms).sum();
    let status = format!("{} {}", glyph(&step.status), step.status);
    [
        Cell::new(if step.critical { "◆" } else { " " }, Style::new().magenta()),
        Cell::new(branch.name(), if step.critical { Style::new().bold() } else { Style::new() }),
        Cell::new(status, style(&step.status)),
        step.region.as_deref().unwrap_or("-").into(),
        last.and_then(|attempt| attempt.agent.as_deref()).unwrap_or("-").into(),
        attempts(step).into(),
        last.map_or_else(|| "-".to_owned(), |_| span(time_ms)).into(),
        why(run, branch).into(),
    ]
}

/// How many attempts, and how many of them took the step back.
fn attempts(step: &StepView) -> String {
    let undos = step.attempts.iter().filter(|attempt| attempt.direction == "undo").count();
    match (step.attempts.len() - undos, undos) {
        (0, 0) => "-".to_owned(),
        (done, 0) => done.to_string(),
        (0, undos) => format!("{undos} undo"),
        (done, undos) => format!("{done} + {undos} undo"),
    }
}

/// What the last attempt of a step left behind, for whoever has to find out why.
fn complaint(step: &StepView) -> String {
    let Some(attempt) = step.last_attempt() else { return String::new() };
    let said = if attempt.stderr.trim().is_empty() { &attempt.stdout } else { &attempt.stderr };
    let lines: Vec<_> = said.trim_end().lines().collect();
    let mut text = format!("\n{} {}\n", step.step.bold(), what_happened(attempt).dimmed());
    for line in &lines[lines.len().saturating_sub(TAIL_LINES)..] {
        let _ = writeln!(text, "  {}", printable(line));
    }
    text
}

fn what_happened(attempt: &AttemptView) -> String {
    let code = attempt.exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
    let outcome = attempt.outcome.as_deref().unwrap_or("under way");
    let undo = if attempt.direction == "undo" { " (undo)" } else { "" };
    format!("attempt {}{undo} {outcome}{code}, token {}", attempt.attempt, attempt.token)
}
